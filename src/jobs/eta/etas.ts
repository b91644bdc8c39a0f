/**
 * Arrival times of jobs as they are read. What was learned of a type is kept for a while, for each database that this process speaks to: a
 * stream reads its jobs many times a second.
 */
import { definitionOf } from "../../../contract/job-types.ts";
import type { Db } from "../../db.ts";
import type { JobRecord } from "../job-queries-store.ts";
import { readRuns } from "./eta-store.ts";
import { learn, type Model } from "./learn.ts";
import { predictEnd, type Eta } from "./predict.ts";

/** One model by size, and one of whatever size, for jobs that do not say. */
interface Learned {
  sized: Model | null;
  any: Model | null;
}

interface Kept {
  learned: Promise<Learned>;
  /** ms of this process's clock. */
  until: number;
}

/** Runs end seldom, and change little. */
const KEPT_MS = 15_000;
/** Of what has taught nothing yet. */
const EMPTY_MS = 1_000;
/** Of tenants and types; the oldest goes. */
const MAX_KEPT = 1_000;

const kept = new WeakMap<object, Map<string, Kept>>();

/** The same records, the running ones with their arrival time. Never fails: a job without one is told all the same. */
export async function withEtas<Job extends JobRecord>(db: Db, jobs: Job[], now = Date.now()): Promise<Job[]> {
  for (const job of jobs) {
    if (!isUnderWay(job)) continue;
    const learned = await learnedOf(db, job).catch(() => null);
    job.eta = learned && etaOf(learned, job, now);
  }
  return jobs;
}

/** Nobody knows when a job ends that waits, is to be cancelled, is tried again, or that an operator should look at. */
function isUnderWay(job: JobRecord): boolean {
  const held = job.cancel_requested_at !== null || job.attention !== null || job.next_attempt_at !== null;
  return job.status === "running" && job.step !== null && !held;
}

function etaOf({ sized, any }: Learned, job: JobRecord, now: number): Eta | null {
  const model = job.size === null ? any : (sized ?? any);
  const steps = definitionOf(job.job_type).steps;
  const at = steps.findIndex(({ name }) => name === job.step);
  const since = job.steps.find(({ name }) => name === job.step)?.started_at;
  const step = steps[at];
  if (!model || !step || since === undefined) return null;
  const begins = steps[at - 1]?.percent ?? 0;
  const fraction = Math.min(1, Math.max(0, (job.progress - begins) / (step.percent - begins)));
  const elapsed = Math.max(0, (now - Date.parse(since)) / 1_000);
  return predictEnd(model, { size: job.size, step: step.name, elapsed, fraction }, now);
}

function learnedOf(db: Db, { tenant_id, job_type }: Pick<JobRecord, "tenant_id" | "job_type">): Promise<Learned> {
  const driver = db.getDriver();
  const models = kept.get(driver) ?? new Map<string, Kept>();
  kept.set(driver, models);
  const key = `${tenant_id} ${job_type}`;
  const known = models.get(key);
  if (known && performance.now() < known.until) return known.learned;
  const steps = definitionOf(job_type).steps.map(({ name }) => name);
  // Outside any transaction that `db` may be in: what is kept must not hang on its end.
  const learned = readRuns(db.fork(), { tenant_id, job_type }).then((runs) => ({
    sized: learn(runs, steps, true),
    any: learn(runs, steps, false),
  }));
  const entry: Kept = { learned, until: performance.now() + KEPT_MS };
  models.set(key, entry);
  learned.then(
    ({ any }) => any ?? (entry.until = performance.now() + EMPTY_MS),
    () => models.delete(key),
  );
  const [oldest] = models.keys();
  if (models.size > MAX_KEPT && oldest !== undefined) models.delete(oldest);
  // What is old still holds until the new is there: no stream waits for it.
  return known ? known.learned : learned;
}
