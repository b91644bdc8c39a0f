/**
 * What does a large publish cost beside the copying and reading that it consists of?
 *
 * Ours: from the POST to the end of the job's stream, as a client sees it. Every byte of every tile is copied, flushed to the disk,
 * and read again to be verified; the overlays are validated, made canonical and hashed.
 * Theirs: `cp -r` of the draft's tile files, which flushes nothing, and then `psql` writing the overlays as one JSON to a file.
 * Each round publishes a project that is not in the public store yet, and then its second version: the same tiles, one overlay
 * renamed.
 */
import { execFile } from "node:child_process";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { copyDraft, draftTiles, importFolder, nextVersion } from "./support/big-drafts.ts";
import { cutTown, writePlots, writeProject } from "./support/big-folder.ts";
import type { Bench, BenchRoom } from "./support/bench.ts";
import { openDatabase } from "./support/database.ts";
import { readMemory, resetPeak } from "./support/memory.ts";
import { psqlToFile } from "./support/psql.ts";
import { publishClient, stepSeconds } from "./support/publish-over-http.ts";
import { startStack, type BenchStack } from "./support/stack.ts";
import { inTurns, median, round, summary, timed } from "./support/turns.ts";

const SIDE = 16_384;
const OVERLAYS = 50_000;
const ROUNDS = 3;
/** Further goals of this bench. */
const MAX_REPUBLISH = 0.1;
const MAX_PEAK_MB = 250;

interface Published {
  seconds: number;
  /** Seconds by step, and `waiting`: all that lies between them, from the POST to the client's news. */
  steps: Record<string, number>;
  /** Of the worker, MB. */
  peak: number;
}

interface Bare {
  seconds: number;
  cp: number;
  psql: number;
  /** `cp -r` and then `sync -f`, which makes it as durable as ours. */
  cp_and_sync: number;
}

export const publishBig: Bench = {
  name: "publish-big",
  question: "How long does a publish of 5,469 tiles and 50,000 overlays take, against cp -r and a psql aggregate?",
  unit: "s",
  goal: { at_most: 1.3 },
  async run(room) {
    const stack = await startStack(room);
    const idle = await readMemory(stack.worker_pid);
    const renamed = await makeDrafts(room, stack);
    const again: Published[] = [];
    const turns = await inTurns(ROUNDS, {
      async ours(at) {
        const first = await publish(room, stack, `big-${at}`, 1);
        await nextVersion(stack, `big-${at}`, renamed);
        again.push(await publish(room, stack, `big-${at}`, 2));
        return first;
      },
      theirs: (at) => bare(room, stack, `big-${at}`),
    });
    const seconds = (runs: { seconds: number }[]): number[] => runs.map((each) => each.seconds);
    const [first, second] = [median(seconds(turns.ours)), median(seconds(again))];
    const peak = Math.max(...[...turns.ours, ...again].map((each) => each.peak));
    const tileSteps = (runs: Published[]): number =>
      median(runs.map(({ steps }) => (steps["upload"] ?? 0) + (steps["verify_tiles"] ?? 0)));
    return {
      ours: first,
      theirs: median(seconds(turns.theirs)),
      details: {
        draft: await describeDraft(stack),
        first: { ...summary(seconds(turns.ours)), steps: medians(turns.ours.map(({ steps }) => steps)) },
        republish: {
          ...summary(seconds(again)),
          steps: medians(again.map(({ steps }) => steps)),
          ratio_to_first: round(second / first),
          ratio_of_tile_steps: round(tileSteps(again) / tileSteps(turns.ours)),
          ...{ goal: `≤ ${MAX_REPUBLISH}`, met: second / first <= MAX_REPUBLISH },
        },
        theirs: {
          ...summary(seconds(turns.theirs)),
          parts: medians(turns.theirs.map(({ cp, psql, cp_and_sync }) => ({ cp, psql, cp_and_sync }))),
        },
        ratio_to_durable_copy: round(first / median(turns.theirs.map((each) => each.cp_and_sync + each.psql))),
        worker_rss_mb: { idle: idle.rss, peak, goal: `< ${MAX_PEAK_MB}`, met: peak < MAX_PEAK_MB },
      },
    };
  },
};

/** One draft per round, and a folder with the same tiles and another overlay. */
async function makeDrafts(room: BenchRoom, stack: BenchStack): Promise<string> {
  const { database } = await openDatabase(room, stack.database);
  const folder = join(room.folder, "big");
  room.tell("cutting the picture");
  await cutTown(folder, SIDE);
  await writeProject(folder);
  await writePlots(folder, OVERLAYS);
  room.tell("importing it through the gateway");
  const { seconds } = await timed(() => importFolder(stack, { folder, project: "big-0" }));
  room.tell(`imported in ${seconds.toFixed(1)} s`);
  for (let at = 1; at < ROUNDS; at += 1) await copyDraft(stack, database, { from: "big-0", to: `big-${at}` });
  await writePlots(folder, OVERLAYS, true);
  return folder;
}

async function publish(room: BenchRoom, stack: BenchStack, project: string, version: number): Promise<Published> {
  await resetPeak(stack.worker_pid);
  const client = publishClient(stack);
  const { seconds, result: id } = await timed(async () => {
    const job = await client.publish(project, version);
    await client.follow(job);
    return job;
  });
  const { peak } = await readMemory(stack.worker_pid);
  const steps = stepSeconds(await client.read(id));
  steps["waiting"] = seconds - Object.values(steps).reduce((sum, each) => sum + each, 0);
  room.tell(`ours    ${seconds.toFixed(2)} s for version ${version}, worker at most ${peak} MB`);
  return { seconds, steps, peak };
}

async function bare(room: BenchRoom, stack: BenchStack, project: string): Promise<Bare> {
  const target = join(room.folder, `copy-${project}`);
  const run = promisify(execFile);
  const copy = await timed(() => run("cp", ["-r", draftTiles(stack, project), target]));
  const file = join(room.folder, `${project}.json`);
  const aggregate = await timed(() => psqlToFile({ url: stack.database, sql: aggregateOf(project), file }));
  const sync = await timed(() => run("sync", ["-f", target]));
  await rm(target, { recursive: true });
  const [cp, psql] = [copy.seconds, aggregate.seconds];
  room.tell(`theirs  ${(cp + psql).toFixed(2)} s: cp ${cp.toFixed(2)} s, psql ${psql.toFixed(2)} s`);
  return { seconds: cp + psql, cp, psql, cp_and_sync: cp + sync.seconds };
}

const aggregateOf = (project: string): string => `
  select json_agg(
    json_build_object('ref', o.ref, 'type', o.type, 'label', o.label, 'geometry', o.geometry, 'properties', o.properties)
    order by o.sort_order)
  from overlays o join versions v on v.id = o.version_id join projects p on p.id = v.project_id
  where p.slug = '${project}' and v.number = 1 and o.visible
`;

async function describeDraft(stack: BenchStack): Promise<Record<string, unknown>> {
  const folder = draftTiles(stack, "big-0");
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((each) => each.isFile());
  let bytes = 0;
  for (const { parentPath, name } of files) bytes += (await stat(join(parentPath, name))).size;
  return { side: SIDE, tiles: files.length, average_tile_bytes: Math.round(bytes / files.length), overlays: OVERLAYS };
}

function medians(runs: Record<string, number>[]): Record<string, number> {
  const names = Object.keys(runs[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, round(median(runs.map((each) => each[name] ?? 0)))]));
}
