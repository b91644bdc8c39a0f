/** Jobs of any type from the command line: what there is, starting one, what is wrong with what was typed, dead letters, a worker. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { JOB_TYPES } from "../../contract/job-types.ts";
import { configEnvironment } from "../../src/config.ts";
import { query } from "../../src/db.ts";
import { startSample } from "../support/job-samples/sample.ts";
import { createDraft, jobRow, until } from "../support/publishing.ts";
import { createCliRoom, type CliRoom } from "./publishing-room.ts";

let room: CliRoom;
let folder: string;
beforeAll(async () => {
  room = await createCliRoom();
  folder = await mkdtemp(join(tmpdir(), "platen-start-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await room?.close();
});

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** `platen worker …args`, until it serves; answers what ends it and how it ended. */
async function worker(...args: string[]): Promise<{ log(): string; stop(): Promise<number | null> }> {
  const settings = Object.fromEntries(Object.entries(room.config).map(([name, value]) => [name, String(value)]));
  const child = spawn(process.execPath, [MAIN, "worker", ...args], {
    cwd: folder,
    env: configEnvironment({ ...settings, PLATEN_LOG_LEVEL: "info" }),
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  const exited = once(child, "exit") as Promise<[number | null]>;
  process.once("exit", () => child.kill("SIGKILL"));
  await until(
    "the worker to run",
    async () => {
      if (child.exitCode !== null) throw new Error(`it ended:\n${log}`);
      return log.includes("worker is running");
    },
    60_000,
  );
  return {
    log: () => log,
    async stop() {
      child.kill("SIGTERM");
      return (await exited)[0];
    },
  };
}

describe("job-types", () => {
  it("lists every type with what it needs to know", async () => {
    const { code, stdout } = await room.platen(["job-types"]);
    expect(code).toBe(0);
    for (const type of Object.keys(JOB_TYPES)) expect(stdout).toMatch(new RegExp(`^${type} +\\S`, "m"));
    expect(stdout).toContain("project (string), version (integer), [target_environment (dev | staging | production)]");
    const told = (await room.platen(["job-types", "--json"])).json();
    expect(told.map(({ type }) => type)).toEqual(Object.keys(JOB_TYPES));
  });
});

describe("start", () => {
  it("starts a job with what was said of it", async () => {
    const args = ["--payload", '{"dry_run":true}', "--title", "Tidy", "--priority", "2", "--deadline", "2h", "--json"];
    const before = Date.now();
    const { code, json } = await room.platen(["start", "maintenance", ...args]);
    expect(code).toBe(0);
    const [accepted] = json();
    const row = await jobRow(room, String(accepted?.["id"]));
    expect(row).toMatchObject({ payload: { dry_run: true }, title: "Tidy", priority: 2, status: "queued" });
    const inTwoHours = new Date(row.deadline_at ?? 0).getTime() - before - 2 * 3_600_000;
    expect(Math.abs(inTwoHours)).toBeLessThan(60_000);
  });

  it("reads the payload from a file", async () => {
    await writeFile(join(folder, "payload.json"), '{"dry_run": true}');
    const { code, stdout } = await room.platen([
      "start",
      "maintenance",
      "--payload",
      `@${join(folder, "payload.json")}`,
    ]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(
        /^Maintenance is queued: job_\w{32}\nFollow it with `platen watch job_\w{32}`\.\n$/,
      ),
    });
  });

  it.each([
    ["a type that does not exist", ["start", "bake"], 1, /no job type bake.*\n.*GET \/job-types lists them: publish/],
    ["a payload that is no JSON", ["start", "maintenance", "--payload", "{"], 2, /--payload holds no JSON/],
    ["a file that is not there", ["start", "maintenance", "--payload", "@nowhere"], 2, /nowhere holds no JSON.*ENOENT/],
    [
      "fields that are wrong",
      ["start", "publish", "--payload", '{"project":7,"colour":"red"}'],
      2,
      /\/project: .*string[^]*\/version: it is missing[^]*\/colour: there is no field[^]*It takes: project \(string\)/,
    ],
    ["a payload that is a list", ["start", "maintenance", "--payload", "[]"], 2, /expected object/],
    ["a priority of 6", ["start", "maintenance", "--priority", "6"], 2, /from 1 to 5/],
    ["a deadline that nobody understands", ["start", "maintenance", "--deadline", "soon"], 2, /90m, 24h, 7d/],
    [
      "a deadline of yesterday",
      ["start", "maintenance", "--deadline", "2020-01-01T00:00:00Z"],
      1,
      /\/deadline: must be in the future/,
    ],
    ["queues that do not exist", ["worker", "--queues", "publish,bake"], 2, /bake is no task queue; there are publish/],
  ])("%s is refused, and says what to do", async (_, args, code, says) => {
    const ran = await room.platen(args);
    expect(ran.code).toBe(code);
    expect(ran.stderr).toMatch(says);
  });
});

describe("worker", { timeout: 120_000 }, () => {
  it("serves the queues that it is told, drains when it is stopped, and start --watch tells how its job went", async () => {
    const running = await worker("--queues", "maintenance", "--concurrency", "maintenance=2");
    expect(running.log()).toContain(`"task_queues":["${room.config.PLATEN_TASK_QUEUE_PREFIX}maintenance"]`);
    const { code, stdout } = await room.platen(["start", "maintenance", "--payload", '{"dry_run":true}', "--watch"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^✓ .* {2}100 %$/m) });
    expect(stdout).toMatch(/✓ completed: dry run · removed /);
    expect(await running.stop()).toBe(0);
  });

  it("ends with what is wrong with its settings", async () => {
    await expect(worker("--concurrency", "many")).rejects.toThrow(/PLATEN_WORKER_CONCURRENCY: must be numbers/);
  });
});

describe("jobs --dead", () => {
  it("lists what has failed for good, counted by type and code", async () => {
    const draft = await createDraft(room);
    const id = await startSample(room, draft, { type: "maintenance", payload: {}, start: false });
    await query(
      room.database.em.fork(),
      `update jobs set status = 'failed', error_code = 'tile_damaged', error = 'A tile.', completed_at = now() where id = $1`,
      [id],
    );
    const { stdout } = await room.platen(["jobs", "--dead"]);
    expect(stdout).toMatch(
      /^ {5}1 {2}maintenance {2}tile_damaged\njob_\w+ .*✗ failed .*\n {2}tile_damaged: A tile\.\n$/,
    );
    expect((await room.platen(["jobs", "--dead", "--type", "publish"])).stdout).toBe("There are no such jobs.\n");
    expect((await room.platen(["jobs", "--dead", "--status", "failed"])).code).toBe(2);
  });
});
