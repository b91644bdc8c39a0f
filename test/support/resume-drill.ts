/**
 * Many watchers of many publishes while everything between the two dies over and over: gateways, their LISTEN connections, and
 * PostgreSQL. What they were told afterwards is held against the ledger.
 */
import { rename } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { query } from "../../src/db.ts";
import { createApiKey } from "../../src/tenants/tenant-store.ts";
import { sourceTile } from "./chaos-room.ts";
import { watchJob, type JobWatcher } from "./job-watcher.ts";
import { startMortalGateways } from "./mortal-gateways.ts";
import { reset } from "./operator.ts";
import { startOwnPostgres } from "./own-servers.ts";
import { createDraft, createPublishing, jobRow, ledger, until, type Draft } from "./publishing.ts";
import { sum, tallyOf, type Tally } from "./resume-tally.ts";
import { startWorkerProcess, type WorkerProcess } from "./worker-process.ts";

export interface DrillOptions {
  jobs: number;
  watchersPerJob: number;
  /** Log entries of each step of each publish, besides its own, and the pause between two. */
  entries: number;
  pauseMs: number;
  /** ms from the beginning to each crash of PostgreSQL. */
  crashesAt: readonly number[];
  /** Longest that it may take until every watcher has seen the end. */
  endMs: number;
}

/** What was done to them meanwhile. */
export interface Havoc {
  gateway_kills: number;
  listener_kills: number;
  postgres_crashes: number;
  /** Of jobs, through the API; and of runs, through Temporal. */
  retries: number;
  workflow_resets: number;
}

export interface Outcome extends Tally, Havoc {
  /** Over all watchers; the first time is one. */
  connects: number;
  seconds: number;
}

export interface Drill {
  /** Resolves when every watcher has seen the end of its job and stays away. */
  run(): Promise<Outcome>;
  close(): Promise<void>;
}

const GATEWAYS = 3;
const WORKERS = 2;
const PRELOAD = fileURLToPath(new URL("talkative-preload.ts", import.meta.url));
const KILL_EVERY_MS = { least: 700, most: 2_000 };
const LISTENER_EVERY_MS = 3_000;
/**
 * The first jobs: so many times they fail, for want of a tile, and are retried. `patient`: only once their watchers have been told
 * not to come back; the others may still be on their way.
 */
const RETRIED = [
  { fails: 1, patient: true },
  { fails: 1, patient: false },
  { fails: 1, patient: true },
  { fails: 2, patient: false },
];
const RETRIES = RETRIED.reduce((count, { fails }) => count + fails, 0);
/** The job after them is reset by an operator in this step. */
const RESET_IN = "upload";

/** Nothing lost, nothing twice, one end each; prints the figures. */
export function expectNothingLost(outcome: Outcome, options: DrillOptions): void {
  console.log(
    Object.entries(outcome)
      .map(([what, count]) => `${count} ${what.replaceAll("_", " ")}`)
      .join(", "),
  );
  const watchers = options.jobs * options.watchersPerJob;
  expect(outcome).toMatchObject({
    ...{ missing: 0, doubled: 0, out_of_order: 0, wrong: 0, restarts: 0, watchers, finals: watchers },
    ...{ postgres_crashes: options.crashesAt.length, retries: RETRIES, workflow_resets: 1 },
  });
  expect(outcome.gateway_kills).toBeGreaterThan(GATEWAYS);
  expect(outcome.listener_kills).toBeGreaterThan(GATEWAYS);
}

export async function startDrill(options: DrillOptions): Promise<Drill> {
  const postgres = await startOwnPostgres();
  const room = await createPublishing({ database: postgres });
  const gateways = await startMortalGateways(room, { count: GATEWAYS, settings: { PLATEN_DATABASE_POOL: "10" } });
  const { tenant_id, principal } = room;
  const { key } = await createApiKey(room.database.em.fork(), { tenant_id, principal_id: principal.id, role: "admin" });
  const over = new AbortController();
  const workers: WorkerProcess[] = [];
  const publishes: { job: string; draft: Draft; watchers: JobWatcher[] }[] = [];
  const done: Havoc = { gateway_kills: 0, listener_kills: 0, postgres_crashes: 0, retries: 0, workflow_resets: 0 };

  async function call(path: string, body: object): Promise<{ status: number; body: Record<string, string> }> {
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
    const answer = await fetch(gateways.url + path, { method: "POST", headers, body: JSON.stringify(body) });
    return { status: answer.status, body: (await answer.json()) as Record<string, string> };
  }

  async function publish(draft: Draft): Promise<void> {
    const { status, body } = await call(`/projects/${draft.project}/versions/1/publish`, { target_environment: "dev" });
    if (status !== 202 || !body["id"]) throw new Error(`a publish was answered ${status}: ${JSON.stringify(body)}`);
    const job = body["id"];
    const watch = (): JobWatcher => watchJob({ url: gateways.url, key, job });
    publishes.push({ job, draft, watchers: Array.from({ length: options.watchersPerJob }, watch) });
  }

  /** What PostgreSQL or a gateway that is away fails is tried again. */
  const insist = <T>(what: string, look: () => Promise<T | null | false>): Promise<T> =>
    until(what, () => look().catch(() => null), options.endMs);

  async function retry(job: string, draft: Draft, mend: boolean): Promise<void> {
    if (mend) {
      const tile = await insist("the tile's path", () => sourceTile(room, draft, 0));
      await rename(`${tile}.away`, tile);
    }
    await insist(`${job} to be retried`, async () => {
      const { status, body } = await call(`/jobs/${job}/retry`, {});
      // The answer to the first request may be what was lost.
      return status < 300 || body["code"] === "job_not_retryable";
    });
    done.retries += 1;
  }

  async function retryUntilMended(
    { job, draft, watchers }: (typeof publishes)[number],
    plan: (typeof RETRIED)[number],
  ) {
    for (let generation = 1; generation <= plan.fails; generation++) {
      await insist(`${job} to fail`, async () => {
        const row = await jobRow(room, job);
        return row.status === "failed" && row.generation === generation;
      });
      if (plan.patient) await insist("its watchers", async () => watchers.every((watcher) => watcher.isDone()));
      await retry(job, draft, generation === plan.fails);
      for (const watcher of watchers) watcher.follow(generation + 1);
    }
  }

  async function resetInStep(job: string): Promise<void> {
    await insist(`${job} to upload`, async () => (await jobRow(room, job)).step === RESET_IN);
    await reset(room, job, RESET_IN);
    done.workflow_resets += 1;
  }

  async function killGateways(): Promise<void> {
    for (let turn = 0; !over.signal.aborted; turn++) {
      const { least, most } = KILL_EVERY_MS;
      // Spread evenly, and the same in every run.
      await pause(least + (most - least) * ((turn * 0.618) % 1));
      if (!over.signal.aborted && (await gateways.killOldest())) done.gateway_kills += 1;
    }
  }

  async function killListeners(): Promise<void> {
    const sql = `
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'platen-listen'`;
    while (!over.signal.aborted) {
      await pause(LISTENER_EVERY_MS);
      done.listener_kills += (await query(room.database.em.fork(), sql).catch(() => [])).length;
    }
  }

  async function crashPostgres(): Promise<void> {
    const since = Date.now();
    for (const at of options.crashesAt) {
      await pause(at - (Date.now() - since));
      if (over.signal.aborted) return;
      await postgres.crash();
      await postgres.restart();
      done.postgres_crashes += 1;
    }
  }

  const pause = (ms: number): Promise<void> => delay(ms, undefined, over).catch(() => undefined);
  const allWatchers = (): JobWatcher[] => publishes.flatMap(({ watchers }) => watchers);

  return {
    async run() {
      const started = Date.now();
      for (let index = 0; index < options.jobs; index++) {
        const draft = await createDraft(room);
        await publish(draft);
        if (index >= RETRIED.length) continue;
        const tile = await sourceTile(room, draft, 0);
        await rename(tile, `${tile}.away`);
      }
      await until("all to be greeted", async () => allWatchers().every(({ seen }) => seen.length > 0), options.endMs);
      const args = [String(options.entries), String(options.pauseMs)];
      const starts = Array.from({ length: WORKERS }, async () => {
        workers.push(await startWorkerProcess(room, { preload: PRELOAD, args, mirrorTickMs: 100 }));
      });
      await Promise.all(starts);
      const chaos = Promise.all([killGateways(), killListeners(), crashPostgres()]);
      await Promise.all([
        chaos,
        ...RETRIED.map((plan, index) => retryUntilMended(publishes[index]!, plan)),
        resetInStep(publishes[RETRIED.length]!.job),
        until("all to see the end", async () => isOver(), options.endMs)
          .catch(async (error: unknown) => {
            throw new Error(await whoIsLeft(), { cause: error });
          })
          .finally(() => over.abort()),
      ]);
      const tallies = [];
      for (const { job, watchers } of publishes) tallies.push(tallyOf(await ledger(room, job), watchers));
      const connects = allWatchers().reduce((count, watcher) => count + watcher.connects(), 0);
      return { ...sum(tallies), ...done, connects, seconds: Math.round((Date.now() - started) / 1_000) };
    },
    async close() {
      over.abort();
      for (const watcher of allWatchers()) watcher.close();
      await Promise.all(workers.map((worker) => worker.kill()));
      await gateways.stop();
      await room.close();
    },
  };

  async function whoIsLeft(): Promise<string> {
    const left = publishes.filter(({ watchers }) => !watchers.every((watcher) => watcher.isDone()));
    const lines = left.map(async ({ job, watchers }) => {
      const { status, step, generation, seq } = await jobRow(room, job);
      const ids = watchers.map(({ seen }) => seen.findLast(({ id }) => id !== null)?.id ?? 0);
      return `${job}: ${status} in ${step}, generation ${generation}, seq ${seq}; its watchers are at ${ids.join(", ")}`;
    });
    return `Not all have seen the end; ${JSON.stringify(done)}\n${(await Promise.all(lines)).join("\n")}`;
  }

  function isOver(): boolean {
    return done.retries === RETRIES && done.workflow_resets === 1 && allWatchers().every((watcher) => watcher.isDone());
  }
}
