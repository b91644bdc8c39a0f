import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createReplayer } from "../../src/replay/create-replayer.ts";
import type { History } from "../../src/replay/history.ts";
import { quietRuntime } from "../../src/replay/quiet-runtime.ts";
import { ROOT } from "../rules/source-files.ts";
import { copySource } from "./source-copy.ts";

const history = JSON.parse(readFileSync(join(ROOT, "test/histories/publish/0.1-completed.json"), "utf8")) as History;
/** Without the end of its first workflow task, which the SDK's core waits for for ever. */
const gap: History = { events: history.events.toSpliced(3, 1) };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "platen-hanging-"));
});
afterAll(() => rm(folder, { recursive: true }));

it("a history that the SDK never ends is an error after its time, and the next ones replay", async () => {
  const clone = await copySource();
  try {
    await clone.change("src/replay/create-replayer.ts", "LIMIT_MS = 60_000", "LIMIT_MS = 1_000");
    // Numbered anew, so that nothing seems to be missing.
    const events = gap.events.map((event, at) => ({ ...event, eventId: String(at + 1) }));
    const path = join(folder, "gap.json");
    await writeFile(path, JSON.stringify({ events }));
    const args = [clone.path("src/cli/main.ts"), "replay", path];
    const ran = await promisify(execFile)(process.execPath, args, { timeout: 50_000 }).catch((error: unknown) => error);
    expect(ran).toMatchObject({ code: 1, killed: false });
    expect((ran as { stdout: string }).stdout).toContain("the replay did not end");
    // The gate's way: one after the other, in a process of its own, which the core's threads would keep.
    const script = `
      import { createReplayer } from ${JSON.stringify(clone.path("src/replay/create-replayer.ts"))};
      import { readFileSync } from "node:fs";
      const [gap, whole] = [${JSON.stringify(path)}, ${JSON.stringify(join(ROOT, "test/histories/publish/0.1-completed.json"))}]
        .map((file) => JSON.parse(readFileSync(file, "utf8")));
      const replay = await createReplayer();
      const histories = [gap, whole, gap, whole].map((history, at) => ({ workflow_id: String(at), history }));
      for await (const { divergence } of replay(histories)) console.log(divergence?.kind ?? "fine");
      process.exit();`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
    expect(stdout.match(/^(error|fine)$/gm)).toEqual(["error", "fine", "error", "fine"]);
  } finally {
    await clone.close();
  }
}, 120_000);

it("an event that the SDK does not know, or cannot read, is told at once", async () => {
  quietRuntime();
  const replay = await createReplayer();
  const changed = (change: object): History => ({
    events: history.events.map((event, at) => (at === 3 ? { ...event, ...change } : event)),
  });
  const histories = [
    changed({ eventType: "EVENT_TYPE_NEW_THING", newThingEventAttributes: {} }),
    changed({ eventId: "four" }),
    history,
  ].map((each, at) => ({ workflow_id: String(at), history: each }));
  const told = [];
  for await (const { divergence } of replay(histories)) told.push(divergence);
  expect(told).toMatchObject([
    { kind: "error", event_id: 4, reason: expect.stringContaining("does not know events of the type NEW_THING") },
    { kind: "error", reason: expect.stringContaining("cannot be read") },
    null,
  ]);
}, 60_000);
