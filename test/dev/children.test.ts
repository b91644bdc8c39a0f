import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createChildren, endLeftovers } from "../../src/dev/children.ts";
import { identify } from "../../src/process-identity.ts";
import { takeRunLock } from "../../src/dev/run-lock.ts";

describe("children", () => {
  let folder: string;
  const sleeper = (name: string) => ({
    ...{ name, command: "/bin/sleep", args: ["600"], log: join(folder, "log"), env: {} },
    stopSignal: "SIGTERM" as const,
  });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "platen-children-"));
  });
  afterEach(async () => {
    await endLeftovers(folder);
    await rm(folder, { recursive: true, force: true });
  });

  test("stop group by group, in the order that is asked for", async () => {
    const children = createChildren(folder);
    const ended: string[] = [];
    for (const name of ["first", "second", "third"]) {
      const child = await children.start(sleeper(name));
      void child.exited.then(() => ended.push(name));
    }
    await children.stop([
      { names: ["third"], graceMs: 1_000 },
      { names: ["second"], graceMs: 1_000 },
    ]);
    expect(ended).toEqual(["third", "second", "first"]);
    expect(children.running()).toEqual([]);
    await expect(children.start(sleeper("late"))).rejects.toThrow("everything is being stopped");
  });

  test("one that ignores the signal is killed when its time is up", async () => {
    const children = createChildren(folder);
    const child = await children.start({
      ...sleeper("deaf"),
      command: "/bin/sh",
      args: ["-c", "trap '' TERM; echo deaf; while :; do /bin/sleep 600; done"],
    });
    while (!(await readFile(child.log, "utf8")).includes("deaf")) await new Promise(setImmediate);
    await children.stop([{ names: ["deaf"], graceMs: 100 }]);
    expect(await child.exited).toBe("SIGKILL");
  });

  test("what a run that was killed leaves behind is ended by the next", async () => {
    const program = join(folder, "run.ts");
    const modules = new URL("../../src/dev/", import.meta.url).pathname;
    await writeFile(
      program,
      `import { createChildren } from "${modules}children.ts";
       const child = await createChildren("${folder}").start(${JSON.stringify(sleeper("orphan"))});
       console.log(child.pid);`,
    );
    const run = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(run.stdout, "data")) as [Buffer];
    const orphan = Number(line.toString());
    run.kill("SIGKILL");
    await once(run, "exit");
    expect(await identify(orphan)).not.toBeNull();

    expect(await endLeftovers(folder)).toEqual(["orphan"]);
    expect(await identify(orphan)).toBeNull();
    expect(await endLeftovers(folder)).toEqual([]);
  });

  test("a process that only got the pid of an old child is left alone, and so is a note that was cut off", async () => {
    const note = { name: "old", pid: process.pid, identity: "another boot 1", signal: "SIGKILL" };
    await appendFile(join(folder, "processes.ndjson"), `${JSON.stringify(note)}\n{"name":"cut`);
    expect(await endLeftovers(folder)).toEqual([]);
  });
});

describe("the lock of a state folder", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "platen-lock-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test("is refused while its holder runs, with one sentence that says how to stop it", async () => {
    const lock = await takeRunLock(folder);
    await expect(takeRunLock(folder)).rejects.toThrow(`Stop it with Ctrl-C in its terminal, or: kill ${process.pid}`);
    await lock.release();
    await (await takeRunLock(folder)).release();
  });

  test("is taken from a holder that was killed, whoever has its pid now", async () => {
    await writeFile(join(folder, "lock"), `${process.pid} another boot 1`);
    await takeRunLock(folder);
    expect(await readFile(join(folder, "lock"), "utf8")).toBe(`${process.pid} ${await identify(process.pid)}`);
  });
});
