/**
 * What operators and fate may do to a few jobs, in any order: a random walk on the real server. In the end rows and histories agree,
 * whatever was pressed.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isFinal, type JobStatus } from "../../contract/job-state.ts";
import { query } from "../../src/db.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { recordPointer, type PointerRecorder } from "../support/pointer-recorder.ts";
import { startGatewayProcess } from "../support/gateway-process.ts";
import * as operator from "../support/operator.ts";
import { createDraft, jobRow, ledger, queueJob, until, type Draft, type Publishing } from "../support/publishing.ts";
import { startWorkerProcess } from "../support/worker-process.ts";
import { keepPlace } from "./storm/crew.ts";
import type { Random } from "./storm/random.ts";
import { ledgerFaults } from "./storm/verdict.ts";

interface WalkOptions {
  projects: number;
  /** Things done, and ms between two of them at most. */
  steps: number;
  pauseMs: number;
}

interface Walker {
  draft: Draft;
  jobs: string[];
  recorder: PointerRecorder;
}

const ENTRY = fileURLToPath(new URL("../support/rigged-worker.ts", import.meta.url));
/** 222 tiles: four batches, each slow enough for something to happen in it. */
const PYRAMID = { width: 3_100, height: 3_100, tile_size: 256, overlap: 0, format: "png" as const };
const SLOW_MS = 400;
/** Missed heartbeats, retries 15 s apart, an operator's cancel that waits for a worker. */
const END_MS = 120_000;
/** Activities of a publish that a reset may go back to; undefined: its first task. */
const RESETS = [undefined, undefined, "validate", "generateRelease", "upload", "verifyTiles", "markPublished"];
/** By how likely they are: a death costs ten seconds in which not much else can happen. */
const NAMES = [
  ...[
    "reset",
    "reset",
    "reset",
    "retry",
    "retry",
    "retry",
    "cancel by the API",
    "cancel by the API",
    "cancel in Temporal",
  ],
  ...["cancel in Temporal", "terminate", "terminate", "pause", "unpause", "unpause", "publish a newer version"],
  ...["publish a newer version", "worker kill -9", "gateway kill -9"],
];

/** States in which it means anything; the others at any time. */
const FITTING: Record<string, JobStatus[]> = {
  "cancel by the API": ["queued", "running"],
  "cancel in Temporal": ["running"],
  terminate: ["running"],
  pause: ["running"],
  unpause: ["running"],
  reset: ["running", "failed", "cancelled", "completed"],
  retry: ["failed", "cancelled"],
  "publish a newer version": ["completed", "failed", "cancelled"],
};

/** Answers what was found that cannot be, a sentence each, and what was done, by name. */
export async function walk(
  room: Publishing,
  random: Random,
  options: WalkOptions,
): Promise<{ faults: string[]; done: Map<string, number> }> {
  const rig = await mkdtemp(join(tmpdir(), "platen-rig-"));
  await writeFile(join(rig, "slow"), String(SLOW_MS));
  const workers = Array.from({ length: 2 }, () =>
    keepPlace(
      () => startWorkerProcess(room, { entry: ENTRY, args: [rig], concurrency: 8 }),
      (worker) => worker.kill(),
    ),
  );
  const settings = { PLATEN_RECONCILE_MS: "300", PLATEN_DATABASE_POOL: "5" };
  const gateways = Array.from({ length: 2 }, () =>
    keepPlace(
      () => startGatewayProcess(room, { settings }),
      (gateway) => gateway.end("SIGKILL"),
    ),
  );
  const walkers: Walker[] = [];
  for (let number = 0; number < options.projects; number++) {
    const draft = await createDraft(room, { descriptor: PYRAMID, tileBytes: 60 });
    walkers.push({ draft, jobs: [], recorder: recordPointer(room.storeFolder, "dev", draft.project, 50) });
  }
  await Promise.all([...workers, ...gateways].map((place) => place.filled()));

  const faults: string[] = [];
  const retried = new Map<string, number>();
  const resets = new Map<string, number>();
  const count = (map: Map<string, number>, key: string): unknown => map.set(key, (map.get(key) ?? 0) + 1);
  const by = room.principal;
  const actions: Record<string, (job: string, walker: Walker) => Promise<unknown>> = {
    "cancel by the API": (job_id) => cancelJob(room.deps, { job_id, by }),
    "cancel in Temporal": (job) => operator.requestCancel(room, job),
    terminate: (job) => operator.terminate(room, job),
    async reset(job) {
      // To its first task, where it has not come as far as that.
      await operator.reset(room, job, random.pick(RESETS)).catch(() => operator.reset(room, job));
      count(resets, job);
    },
    async retry(job_id) {
      await retryJob(room.deps, { job_id, by });
      count(retried, job_id);
    },
    pause: (job) => operator.pauseActivities(room, job),
    unpause: (job) => operator.unpauseActivities(room, job),
    "publish a newer version": async (_, walker) => {
      const next = await createDraft(room, { project: walker.draft });
      walker.jobs.push(await queueJob(room, next));
    },
    "worker kill -9": async () => random.pick(workers)?.current()?.kill(),
    "gateway kill -9": async () => random.pick(gateways)?.current()?.end("SIGKILL"),
  };

  const over = new AbortController();
  const watching = watch();
  const done = new Map<string, number>();
  // Queued only: the reconciler starts them, as after a gateway that died.
  for (const walker of walkers) walker.jobs.push(await queueJob(room, walker.draft));
  await until("a job to run", async () => (await fitting("terminate")).size > 0, END_MS);
  for (let step = 0; step < options.steps; step++) {
    await delay(random.between(0, options.pauseMs));
    const name = random.pick(NAMES)!;
    const fit = await fitting(name);
    const walker = random.pick(walkers.filter(({ jobs }) => jobs.some((job) => fit.has(job))));
    if (!walker) continue;
    const refused = await actions[name]!(random.pick(walker.jobs.filter((job) => fit.has(job)))!, walker).then(
      () => null,
      String,
    );
    count(done, refused === null ? name : `${name} (refused)`);
    if (refused !== null && !isRefusal(refused)) faults.push(`${name}: ${refused}`);
  }
  const jobs = walkers.flatMap((walker) => walker.jobs);
  await until(
    "every job to end",
    async () => {
      for (const job of jobs) await operator.unpauseActivities(room, job).catch(() => undefined);
      const rest = await Promise.all(jobs.map(isAtRest));
      return rest.every(Boolean);
    },
    END_MS,
  ).catch(async () => {
    for (const job of jobs) if (!(await isAtRest(job))) faults.push(`${job} does not end: ${await tellJob(job)}`);
  });
  over.abort();
  await watching;
  for (const walker of walkers) {
    for (const job of walker.jobs) await judge(job);
    await judgePointer(walker);
  }
  await Promise.all([...workers, ...gateways].map((place) => place.stop()));
  for (const { recorder } of walkers) recorder.stop();
  await rm(rig, { recursive: true });
  return { faults, done };

  /** Jobs that this can be done to, as far as their rows tell. */
  async function fitting(name: string): Promise<Set<string>> {
    const rows = await query<{ id: string; status: JobStatus }>(room.database.em.fork(), `select id, status from jobs`);
    const states = FITTING[name];
    return new Set(rows.filter(({ status }) => !states || states.includes(status)).map(({ id }) => id));
  }
  /** Row and workflow have both ended. */
  async function isAtRest(job: string): Promise<boolean> {
    return isFinal((await jobRow(room, job)).status) && (await workflowStatusOf(job)) !== "RUNNING";
  }
  async function workflowStatusOf(job: string): Promise<string> {
    return operator.workflowStatus(room, job).catch(() => "absent");
  }
  async function tellJob(job: string): Promise<string> {
    const { status, step, generation, run_id } = await jobRow(room, job);
    return `${status} in ${step}, generation ${generation}, run ${run_id}; its workflow is ${await workflowStatusOf(job)}`;
  }

  /** Notes a final state that changes without a reopening, and a generation that goes back. */
  async function watch(): Promise<void> {
    const last = new Map<string, { status: JobStatus; generation: number; seq: number }>();
    while (!over.signal.aborted) {
      const sql = `select id, status, generation, seq from jobs`;
      const rows = await query<{ id: string; status: JobStatus; generation: number; seq: number }>(
        room.database.em.fork(),
        sql,
      );
      for (const row of rows) {
        const before = last.get(row.id);
        last.set(row.id, row);
        if (!before) continue;
        const changed = isFinal(before.status) && row.status !== before.status && row.generation === before.generation;
        if (changed || row.generation < before.generation || row.seq < before.seq)
          faults.push(`${row.id} was ${JSON.stringify(before)} and is ${JSON.stringify(row)}`);
      }
      await delay(100, undefined, { signal: over.signal }).catch(() => undefined);
    }
  }

  async function judge(job: string): Promise<void> {
    const row = await jobRow(room, job);
    const events = await ledger(room, job);
    faults.push(...ledgerFaults(job, events, row));
    const status = await workflowStatusOf(job);
    if (!agree(row, status)) faults.push(`${job} is ${row.status} (${row.error_code}), and its workflow ${status}`);
    if ((row.status === "completed") !== (row.switched_at !== null))
      faults.push(`${job} is ${row.status}, switched ${row.switched_at}`);
    // Nothing else here is a reason to fail.
    const failed = events.filter(({ kind, data }) => kind === "status" && data["status"] === "failed");
    for (const { data } of failed)
      if (data["code"] !== "guard_lost")
        faults.push(`${job} has failed with ${String(data["code"])}: ${String(data["message"])}`);
    const reopened = events.filter(({ data }) => data["reopened"] === true);
    const byRetry = reopened.filter(({ data }) => String(data["message"]).startsWith("Retried")).length;
    if (row.generation !== 1 + reopened.length)
      faults.push(`${job} is in generation ${row.generation} after ${reopened.length} reopenings`);
    if (byRetry !== (retried.get(job) ?? 0))
      faults.push(`${job} was retried ${retried.get(job) ?? 0} times, its ledger says ${byRetry}`);
    if (reopened.length - byRetry > (resets.get(job) ?? 0))
      faults.push(`${job} was reset ${resets.get(job) ?? 0} times, and adopted ${reopened.length - byRetry} times`);
    const sql = `select 1 from environment_releases where job_id = $1`;
    const switches = (await query(room.database.em.fork(), sql, [job])).length;
    if (switches !== (row.status === "completed" ? 1 : 0))
      faults.push(`${job} is ${row.status} and has switched ${switches} times`);
    const guards = await query(room.database.em.fork(), `select 1 from publish_guards where job_id = $1`, [job]);
    if (guards.length > 0) faults.push(`${job} has ended and holds the guard`);
  }

  /** The pointer is where the records say, and was never further. */
  async function judgePointer({ draft, recorder }: Walker): Promise<void> {
    const sql = `select coalesce(max(epoch), 0) as epoch from environment_releases where project_id = $1`;
    const [row] = await query<{ epoch: number }>(room.database.em.fork(), sql, [draft.project_id]);
    const served = await recorder.served().catch((error: unknown) => void faults.push(String(error)));
    if ((served?.at(-1) ?? 0) !== row?.epoch)
      faults.push(`the pointer of ${draft.project} served ${String(served)}; the records say ${row?.epoch}`);
  }
}

/** What we or the server say no to: too late, not there any more, the guard is held. */
function isRefusal(said: string): boolean {
  return /AppError|WorkflowNotFound|NOT_FOUND|no task to reset|guard is held|INVALID_ARGUMENT|FAILED_PRECONDITION/.test(
    said,
  );
}

/** A row's final state against how Temporal says that the last run has closed; `absent`: no run was ever started. */
function agree(
  { status, error_code, generation }: { status: JobStatus; error_code: string | null; generation: number },
  closed: string,
): boolean {
  // A run that is terminated between its last write and its end changes nothing any more.
  if (status === "completed") return closed === "COMPLETED" || closed === "TERMINATED";
  if (status === "failed") return closed === "FAILED" || closed === "TERMINATED";
  if (error_code === "terminated_by_operator") return closed === "TERMINATED";
  // Cancelled in its row while it waited for its first run, or for the run of a retry: the last run is the one before.
  return ["CANCELLED", "TERMINATED", "absent"].includes(closed) || (generation > 1 && closed === "FAILED");
}
