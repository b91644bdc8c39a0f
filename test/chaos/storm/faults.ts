/**
 * The faults of a storm. To add one, add a line: the runner begins each at random moments, on its own and beside others, ends it, and
 * demands of every publish that it ends as if nothing had happened.
 */
import { readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { breakSectors } from "../../support/bad-sectors.ts";
import { exhaustConnections } from "../../support/exhausted-connections.ts";
import { publicTile, sourceTile } from "../../support/chaos-room.ts";
import { jobRow, until } from "../../support/publishing.ts";
import type { WorkerProcess } from "../../support/worker-process.ts";
import { attemptsOf } from "./attempts.ts";
import type { City } from "./city.ts";
import type { Fault, Storm, UnderWay } from "./fault.ts";

const AT_ONCE = [0, 0] as const;
/** A large upload takes some seconds then, in which heartbeats are sent. */
const SLOW_MS = 1_500;
/** How long is waited for somebody who can be killed in mid-step. */
const VICTIM_MS = 15_000;

const WORKERS: Fault[] = [
  {
    ...{ name: "worker kill -9", to: "worker", lasts: AT_ONCE },
    begin: (storm) => withWorker(storm, (worker) => killAndSee(storm, worker)),
  },
  {
    // The store is slow meanwhile, so that heartbeats are sent, and the next attempt has something to go on from.
    ...{ name: "worker kill -9 in mid-step", to: "worker", lasts: AT_ONCE },
    begin: killInMidStep,
  },
  {
    ...{ name: "worker SIGTERM", to: "worker", lasts: AT_ONCE },
    begin: (storm) => withWorker(storm, async (worker) => worker.stop()),
  },
  {
    // Its heartbeats are missed after ten seconds: it wakes up beside those who have taken over.
    ...{ name: "worker SIGSTOP", to: "worker", lasts: [11_000, 15_000] },
    begin: (storm) =>
      withWorker(storm, async (worker) => {
        await worker.freeze();
        return () => worker.thaw();
      }),
  },
  {
    ...{ name: "gateway kill -9", to: "gateway", lasts: AT_ONCE },
    async begin({ city, random }) {
      const gateway = random.pick(city.gateways)?.current();
      if (!gateway) return null;
      await gateway.end("SIGKILL");
      return async () => undefined;
    },
  },
];

const POSTGRES: Fault[] = [
  {
    ...{ name: "PostgreSQL stopped at once", to: "postgres", lasts: [200, 3_000] },
    async begin({ city }) {
      await city.postgres.crash();
      return city.postgres.restart;
    },
  },
  {
    ...{ name: "PostgreSQL's commits unanswered", to: "postgres", lasts: [1_000, 3_000] },
    begin: async ({ city }) => ending(city.postgres.proxy.loseAnswersTo("commit")),
  },
  {
    ...{ name: "PostgreSQL's connections exhausted", to: "postgres", lasts: [2_000, 4_000] },
    begin: async ({ city }) => (await exhaustConnections(city.postgres.quiet)).giveBack,
  },
  {
    ...{ name: "PostgreSQL's connections reset", to: "postgres", lasts: AT_ONCE },
    begin: async ({ city }) => ending(() => city.postgres.proxy.reset()),
  },
  {
    ...{ name: "PostgreSQL's answers cut in half", to: "postgres", lasts: AT_ONCE },
    begin: async ({ city, random }) => ending(() => city.postgres.proxy.halve(random.between(1, 6))),
  },
  {
    ...{ name: "PostgreSQL in a black hole", to: "postgres", lasts: [2_000, 6_000] },
    begin: async ({ city, random }) => ending(city.postgres.proxy.swallow({ late: random.next() < 0.5 })),
  },
  {
    ...{ name: "PostgreSQL far away", to: "postgres", lasts: [3_000, 6_000] },
    begin: async ({ city }) => ending(city.postgres.proxy.delay({ ms: 20, jitterMs: 60 })),
  },
];

const TEMPORAL: Fault[] = [
  {
    ...{ name: "Temporal killed", to: "temporal", lasts: [200, 3_000] },
    async begin({ city }) {
      await city.temporal.crash();
      return city.temporal.restart;
    },
  },
  {
    ...{ name: "Temporal's frontend in a black hole", to: "temporal", lasts: [20_000, 20_000] },
    begin: async ({ city }) => ending(city.temporal.proxy.swallow()),
  },
  {
    ...{ name: "Temporal's connections reset", to: "temporal", lasts: AT_ONCE },
    begin: async ({ city }) => ending(() => city.temporal.proxy.reset()),
  },
  {
    ...{ name: "Temporal's answers cut in half", to: "temporal", lasts: AT_ONCE },
    begin: async ({ city, random }) => ending(() => city.temporal.proxy.halve(random.between(1, 6))),
  },
  {
    ...{ name: "Temporal far away", to: "temporal", lasts: [3_000, 6_000] },
    begin: async ({ city }) => ending(city.temporal.proxy.delay({ ms: 50, jitterMs: 150 })),
  },
];

const STORE: Fault[] = [
  {
    ...{ name: "store full", to: "disk", lasts: [2_000, 4_000] },
    async begin({ city: { disk } }) {
      await disk?.fill("bytes");
      return disk && (() => disk.makeRoom());
    },
  },
  {
    ...{ name: "store read-only", to: "disk", lasts: [2_000, 4_000] },
    async begin({ city: { disk } }) {
      await disk?.setReadOnly(true);
      return disk && (() => disk.setReadOnly(false));
    },
  },
  {
    ...{ name: "store slow", to: "store", lasts: [6_000, 12_000] },
    begin: ({ city }) => slowDown(city),
  },
  {
    ...{ name: "store: one object unreadable", to: "object", lasts: [2_000, 6_000] },
    begin: (storm) =>
      withPublish(storm, async ({ draft }) => {
        const { room } = storm.city;
        const path = await sourceTile(room, draft, 0);
        // As the disk's own namespace calls it, and as ours does.
        return breakSectors(room.storeFolder, [path, path.replace(/^\/proc\/\d+\/\w+/, "")]);
      }),
  },
  {
    ...{ name: "store: a write cut off by a crash", to: "object", lasts: AT_ONCE },
    begin: cutSomebodyOff,
  },
];

export const FAULTS: readonly Fault[] = [...WORKERS, ...POSTGRES, ...TEMPORAL, ...STORE];

/** The end of a fault as the runner wants it. */
const ending = (end: () => unknown) => async () => end();

type End = Awaited<ReturnType<Fault["begin"]>>;

async function withWorker({ city, random }: Storm, act: (worker: WorkerProcess) => Promise<unknown>): Promise<End> {
  const worker = random.pick(city.workers.flatMap((place) => place.current() ?? []));
  if (!worker) return null;
  const end = await act(worker);
  return async () => typeof end === "function" && end();
}

async function withPublish({ underWay, random }: Storm, act: (publish: UnderWay) => Promise<End>): Promise<End> {
  const publish = random.pick(underWay());
  return publish ? act(publish) : null;
}

async function slowDown({ rig }: City): Promise<() => Promise<void>> {
  const file = join(rig, "slow");
  await writeFile(file, String(SLOW_MS));
  return () => rm(file, { force: true });
}

/** Attempts that have told by their heartbeat how far they are. */
async function onTheirWay({ city, underWay }: Storm) {
  const all = await Promise.all(
    underWay().map(async ({ job }) =>
      (await attemptsOf(city.room, job).catch(() => [])).map(({ identity, heartbeat }) => {
        const { index = 0 } = (heartbeat?.resume ?? {}) as { index?: number };
        return { job, identity, index };
      }),
    ),
  );
  return all.flat().filter(({ index }) => index > 0);
}

async function killAndSee(storm: Storm, worker: WorkerProcess): Promise<void> {
  await worker.kill();
  // Nobody has taken over yet: that takes a missed heartbeat.
  for (const { job, identity, index } of await onTheirWay(storm))
    if (identity.startsWith(`${worker.pid}@`)) {
      const row = await jobRow(storm.city.room, job).catch(() => null);
      if (row) storm.demandResume({ job, index, seq: row.seq });
    }
}

async function killInMidStep(storm: Storm): Promise<End> {
  const end = await slowDown(storm.city);
  try {
    const victim = await until("an attempt that has told how far it is", () => findVictim(storm), VICTIM_MS);
    await killAndSee(storm, victim);
    return end;
  } catch {
    await end();
    return null;
  }
}

async function findVictim(storm: Storm): Promise<WorkerProcess | null> {
  const workers = storm.city.workers.flatMap((place) => place.current() ?? []);
  const pids = (await onTheirWay(storm)).map(({ identity }) => Number(identity.split("@")[0]));
  return workers.find(({ pid }) => pids.includes(pid)) ?? null;
}

async function cutSomebodyOff(storm: Storm): Promise<End> {
  const end = await slowDown(storm.city);
  const look = async (): Promise<boolean> => {
    for (const publish of storm.random.shuffle(storm.underWay()))
      if (await cutOff(storm, publish).catch(() => false)) return true;
    return false;
  };
  const found = await until("an upload to cut off", look, VICTIM_MS).catch(() => false);
  await end();
  return found ? async () => undefined : null;
}

/** What a machine that loses its power leaves of a file that it had not flushed. Only before the tiles are looked at. */
async function cutOff({ city: { room } }: Storm, { job, draft }: UnderWay): Promise<boolean> {
  if ((await jobRow(room, job)).step !== "upload") return false;
  const path = await publicTile(room, draft, 1);
  const bytes = await readFile(path).catch(() => null);
  if (!bytes) return false;
  await truncate(path, Math.floor(bytes.length / 2));
  if ((await jobRow(room, job)).step === "upload") return true;
  await writeFile(path, bytes);
  return false;
}
