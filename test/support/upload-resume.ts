/** An upload through a slow store whose worker is killed in the middle, and what the next worker does again. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { expectReleasedOnce, expectSoundLedger, messages, tileKeys, type ChaosRoom } from "./chaos-room.ts";
import { pendingActivity } from "./operator.ts";
import { until } from "./publishing.ts";
import { expectWhole } from "./whole-release.ts";

const ENTRY = fileURLToPath(new URL("slow-worker.ts", import.meta.url));
/** Heartbeats go to the server at most every 2 s; the rest is for a busy machine. */
const LAG_MS = 2_500;
/** Tiles that are copied while those before them are not done yet: three batches of 64 beside the one that is waited for. */
const AHEAD = 3 * 64;

/** `size`: of the square picture, in pixels. `ms`: how much slower each batch of 64 tiles is. Answers what there is to tell. */
export async function expectResumed(room: ChaosRoom, { size, ms }: { size: number; ms: number }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "platen-slow-"));
  const descriptor = { width: size, height: size, tile_size: 256, overlap: 0, format: "png" as const };
  const draft = await room.draft({ descriptor, tileBytes: 60 });
  const tiles = await tileKeys(room, draft);
  const [first, second] = [join(folder, "first"), join(folder, "second")];
  const worker = await room.worker({ entry: ENTRY, args: [first, String(ms)] });
  const job = await room.publish(draft);
  await until("half of the tiles", async () => (await copied(first)).length >= 0.45 * tiles.length, 60_000);
  await worker.kill();
  const killedAt = Date.now();
  const finished = await copied(first);
  expect(finished.length / tiles.length).toBeGreaterThan(0.4);
  expect(finished.length / tiles.length).toBeLessThan(0.6);
  const heartbeat = (await pendingActivity(room, job))?.heartbeat;
  const { index } = (heartbeat?.resume ?? { index: 0 }) as { index: number };
  expect(index).toBeGreaterThan(0);

  await room.worker({ entry: ENTRY, args: [second, "0"] });
  expect(await room.ended(job, 60_000)).toMatchObject({ status: "completed", generation: 1, epoch: 1 });
  expect(await messages(room, job)).toContain(`Resuming at tile ${index + 1} of ${tiles.length}`);
  const again = await copied(second);
  expect(again).toHaveLength(tiles.length - index);
  expect(again.some(({ key }) => key.endsWith(tiles[index] ?? "none"))).toBe(true);
  const done = new Set(finished.map(({ key }) => key));
  const repeated = again.filter(({ key }) => done.has(key)).length;
  const last = finished.filter(({ at }) => at > killedAt - LAG_MS).length;
  expect(repeated).toBeLessThanOrEqual(last + AHEAD);
  await expectReleasedOnce(room, draft, [job]);
  await expectSoundLedger(room, job, ["completed"]);
  await expectWhole(room, draft);
  await rm(folder, { recursive: true });
  return (
    `${tiles.length} tiles, killed after ${finished.length}: resumed at ${index}, did ${repeated} again; ` +
    `${last} were done in the last ${LAG_MS / 1_000} s`
  );
}

/** The objects that were looked at or written, and when. A line that the kill has cut off is none. */
async function copied(file: string): Promise<{ at: number; key: string }[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  const lines = text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .filter(Boolean);
  return lines.flatMap((line) => {
    const { at, keys } = JSON.parse(line) as { at: number; keys: string[] };
    return keys.map((key) => ({ at, key }));
  });
}
