/** The walk through every long job that the README shows, line by line, on the real servers. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startWorker, type RunningWorker } from "../../src/worker/create-worker.ts";
import { createCliRoom, type CliRoom } from "../cli/publishing-room.ts";

let room: CliRoom;
let worker: RunningWorker;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "platen-riverside-"));
  room = await createCliRoom();
  worker = await startWorker({ config: room.config, log: room.deps.log, stores: room.stores });
});
afterAll(async () => {
  await worker?.stop();
  await room?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Step {
  args: string[];
  /** What the README says that it prints. */
  told: string[];
}

/** Every `$ npm run platen -- …` of the section, with the lines beneath it. */
async function walk(): Promise<Step[]> {
  const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
  const section = readme.split("\n## Every long job\n")[1]!.split("\n## ")[0]!;
  const steps: Step[] = [];
  for (const line of section.split("```")[1]!.trim().split("\n")) {
    const [, command] = /^\$ npm run platen -- (.*)$/.exec(line) ?? [];
    if (command === undefined) steps.at(-1)!.told.push(line);
    else {
      const args = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
      steps.push({ args, told: [] });
    }
  }
  return steps;
}

/** Without what differs from one run to the next, and from one machine to the next: ids, sizes of what is compressed. */
const lasting = (line: string): string =>
  line
    .replace(/rel_\w+/, "rel_…")
    .replace(/bytes \d+/, "bytes …")
    .replace(/(\.pdf): \d+/, "$1: …");

it("prints what the README says, from a picture to a report", { timeout: 180_000 }, async () => {
  const draw = fileURLToPath(new URL("../../examples/riverside/draw.ts", import.meta.url));
  await promisify(execFile)(process.execPath, [draw, join(folder, "riverside")]);
  const steps = await walk();
  expect(steps.length).toBeGreaterThan(8);
  let [upload, job] = ["", ""];
  for (const { args, told } of steps) {
    const ran = await room.platen(
      args.map((arg) => arg.replace("UPLOAD", upload).replace(/^JOB$/, job)),
      { cwd: folder },
    );
    expect({ args, code: ran.code, stderr: ran.stderr }).toEqual({ args, code: 0, stderr: "" });
    const printed = ran.stdout.split("\n").map(lasting);
    for (const line of told) expect(printed).toContain(lasting(line));
    upload = /^ {2}([0-9a-f]{8}-[0-9a-f-]{27})$/m.exec(ran.stdout)?.[1] ?? upload;
    job = /\bjob_[0-9a-f]{32}\b/.exec(ran.stdout)?.[0] ?? job;
  }
  const errors = await readFile(join(folder, "riverside.csv.errors.csv"), "utf8");
  for (const reason of ["ref_unknown", "ref_missing", "ref_repeated"]) expect(errors).toContain(reason);
  expect((await readFile(join(folder, "Riverside.pdf"))).subarray(0, 5).toString()).toBe("%PDF-");
});
