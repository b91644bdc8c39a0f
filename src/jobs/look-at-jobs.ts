/** Looks at jobs, many at a time: describes each, and does what there is to do (`protocol/reconcile.ts`). */
import { reasonOf } from "../errors.ts";
import { inTime } from "../in-time.ts";
import { inParallel } from "../storage/in-parallel.ts";
import { createLookBackOff } from "./look-back-off.ts";
import type { ProtocolDeps } from "./protocol/attempt.ts";
import { reconcileJob } from "./protocol/reconcile.ts";
import type { QuietJob } from "./reconcile-store.ts";

/** Answers false when the round is to end here: someone else leads by now, or this process stops. */
export type Lead = () => Promise<boolean>;

export interface Looks {
  /** Looks at all of them. Answers how many, or null when the round is to end here; who was not reached then counts as missed. */
  all(jobs: QuietJob[], lead: Lead): Promise<number | null>;
  /** The first `limit` of those that were not looked at in vain a moment ago. */
  due(jobs: QuietJob[], lead: Lead, limit?: number): Promise<number | null>;
  /** Those that were not reached, could not be looked at, or were looked at too early, where they are kept. */
  missed(): QuietJob[];
  /** Ends what is remembered: whoever leads by now may change what was seen here. */
  forget(): void;
  endRound(): void;
}

/** Calls to Temporal at a time, and jobs between two looks at the lease, which is renewed when it is a second old. */
const CONCURRENCY = 10;
const SLICE = 50;
/** The longest wait between two looks at a job: there is nothing to do; a cancel was sent again; it could not be looked at. */
const NOTHING_MS = 30_000;
const CANCEL_MS = 5_000;
const FAILED_MS = 5_000;
/** For one look: some calls of 5 s to Temporal at most, and a pointer whose store may hang. What comes later is fenced like all of it. */
const LOOK_MS = 20_000;
/**
 * Where there was evidence and then nothing to do, it is looked at again for so long: what is listed as closed or gone may be described
 * as open for a moment more, most of all while it is being deleted.
 */
const DOUBT_MS = 10_000;
/** Whoever finds no place here is found by the list of all open runs, within a minute (`watch-visibility.ts`). */
const MAX_MISSED = 10_000;

/**
 * `now`: ms of a clock that never jumps. `slackMs`: a look counts as due this much early. `keepMissed`: for jobs that were found by what is not
 * found again. Each has waits of its own: a look for one reason says nothing of another.
 */
export function createLooks(
  deps: ProtocolDeps,
  options: { now(): number; slackMs: number; stopped(): boolean; keepMissed?: boolean },
): Looks {
  const backOff = createLookBackOff(options);
  const missed = new Map<string, { job: QuietJob; until: number }>();

  async function all(jobs: QuietJob[], lead: Lead): Promise<number | null> {
    let at = 0;
    try {
      for (; at < jobs.length; at += SLICE) {
        if (!(await lead())) return null;
        const slice = jobs.slice(at, at + SLICE);
        const done = await inParallel(slice, { atATime: CONCURRENCY }, one);
        // Temporal is away, or PostgreSQL: the others would each wait for it in vain.
        if (slice.length >= CONCURRENCY && !done.includes(true)) return null;
      }
      return jobs.length;
    } finally {
      for (const job of jobs.slice(at)) keep(job);
    }
  }
  function keep(job: QuietJob, until = Infinity): void {
    if (options.keepMissed && missed.size < MAX_MISSED) missed.set(job.id, { job, until });
  }
  function doubt(job: QuietJob): void {
    const until = missed.get(job.id)?.until ?? Infinity;
    if (until === Infinity) keep(job, options.now() + DOUBT_MS);
    else if (until < options.now()) missed.delete(job.id);
  }
  /** False when it failed. */
  async function one(job: QuietJob): Promise<boolean> {
    const { id, mark } = job;
    if (options.stopped()) return true;
    try {
      const done = await inTime(reconcileJob(deps, id), LOOK_MS);
      if (done === "nothing") doubt(job);
      else missed.delete(id);
      let first = true;
      if (done === "nothing") backOff.wait(id, mark, NOTHING_MS);
      else if (done === "cancel") first = backOff.wait(id, mark, CANCEL_MS);
      else backOff.forget(id);
      if (done !== "nothing" && first) deps.log.info({ job_id: id, done }, "reconciled a job");
      return true;
    } catch (error) {
      backOff.wait(id, mark, FAILED_MS);
      keep(job);
      deps.log.warn(
        { job_id: id, reason: reasonOf(error) },
        "a job could not be reconciled; a later round tries again",
      );
      return false;
    }
  }
  return {
    all,
    due(jobs, lead, limit = jobs.length) {
      const due = jobs.filter(({ id, mark }) => backOff.isDue(id, mark));
      return all(due.slice(0, limit), lead);
    },
    missed: () => [...missed.values()].map(({ job }) => job),
    forget() {
      backOff.clear();
      missed.clear();
    },
    endRound: () => backOff.endRound(),
  };
}
