/**
 * What does it cost to read every tile back?
 *
 * Ours: step 4 of a publish, as the job's own record has it: entering and leaving the step, reading and hashing 1,373 tiles at the
 * destination, and the release's document. Theirs: `sha256sum` of the same files, by xargs, one process.
 * Each round publishes a project that is not in the public store yet: tiles that were read once are not read again so soon.
 */
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { copyDraft, importFolder } from "./support/big-drafts.ts";
import { cutTown, writePlots, writeProject } from "./support/big-folder.ts";
import type { Bench, BenchRoom } from "./support/bench.ts";
import { openDatabase } from "./support/database.ts";
import { publishClient, stepSeconds } from "./support/publish-over-http.ts";
import { startStack, type BenchStack } from "./support/stack.ts";
import { inTurns, median, summary, timed } from "./support/turns.ts";

const SIDE = 8_192;
const TILES = 1_373;
const ROUNDS = 5;

export const verifyTiles: Bench = {
  name: "verify-tiles",
  question: "How long does it take to verify 1,373 tiles, against sha256sum of the same files?",
  unit: "s",
  goal: { at_most: 3 },
  async run(room) {
    const stack = await startStack(room);
    const { database } = await openDatabase(room, stack.database);
    const folder = join(room.folder, "map");
    room.tell("cutting and importing the picture");
    await cutTown(folder, SIDE);
    await writeProject(folder);
    await writePlots(folder, 10);
    await importFolder(stack, { folder, project: "map-0" });
    for (let at = 1; at <= ROUNDS; at += 1) await copyDraft(stack, database, { from: "map-0", to: `map-${at}` });
    // The first one starts the threads.
    await verify(room, stack, "map-0");
    const turns = await inTurns(ROUNDS, {
      ours: (at) => verify(room, stack, `map-${at + 1}`),
      theirs: (at) => sha256sum(room, stack, `map-${at + 1}`),
    });
    return {
      ours: median(turns.ours),
      theirs: median(turns.theirs),
      details: { tiles: TILES, ours: summary(turns.ours), theirs: summary(turns.theirs) },
    };
  },
};

async function verify(room: BenchRoom, stack: BenchStack, project: string): Promise<number> {
  const client = publishClient(stack);
  const job = await client.publish(project);
  await client.follow(job);
  const { steps, logs } = await client.read(job);
  const seconds = stepSeconds({ steps })["verify_tiles"] ?? Number.NaN;
  if (!logs.some(({ message }) => message === `Verified ${TILES} tiles at the destination`))
    throw new Error(`not every tile was read: ${JSON.stringify(logs)}`);
  room.tell(`ours    ${seconds.toFixed(3)} s`);
  return seconds;
}

async function sha256sum(room: BenchRoom, stack: BenchStack, project: string): Promise<number> {
  const tiles = join(stack.store, "public", project, "tiles");
  const command = `find ${JSON.stringify(tiles)} -name '*.jp*g' -print0 | xargs -0 -n 5000 sha256sum`;
  const { seconds, result } = await timed(() => promisify(execFile)("sh", ["-c", command], { maxBuffer: 2 ** 24 }));
  const count = result.stdout.trim().split("\n").length;
  if (count !== TILES) {
    throw new Error(
      `sha256sum read ${count} files and not ${TILES}; ${tiles} has ${(await readdir(tiles)).join(", ")}`,
    );
  }
  room.tell(`theirs  ${seconds.toFixed(3)} s`);
  return seconds;
}
