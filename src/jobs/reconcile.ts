/**
 * The reconciler's rounds. One gateway leads at a time; every write of it is a compare-and-set, so two at once do no harm.
 *
 *   each round   what has started or closed in Temporal, and all open runs, against the rows (`watch-visibility.ts`);
 *                jobs that are to be cancelled, those past their deadline, then those that have just gone quiet; jobs without progress
 *   in turns     the other open jobs, a few per second; paused activities; task queues without workers; pointers behind their environment
 *
 * It starts what a gateway inserted and did not start, settles what ended without code of ours, reopens what was reset while no
 * worker runs. While visibility does not answer it describes quiet jobs one by one instead, each less and less often.
 */
import { randomUUID } from "node:crypto";
import { reasonOf } from "../errors.ts";
import { inTime } from "../in-time.ts";
import { listEnvironments } from "../releases/release-store.ts";
import { noteNoWorker } from "./attention/no-worker.ts";
import { noteStalled } from "./attention/stalled.ts";
import { leaseWatermark, returnLease, takeLease } from "./lease-store.ts";
import { createLooks, type Lead } from "./look-at-jobs.ts";
import type { ProtocolDeps } from "./protocol/attempt.ts";
import { projectPointer } from "./protocol/project.ts";
import {
  cancellingJobs,
  justEndedJobs,
  overdueJobs,
  quietOpenJobs,
  suspectJobs,
  type QuietJob,
} from "./reconcile-store.ts";
import { sweepPermits } from "./permits/sweep-permits.ts";
import { rollUpOnce } from "./statistics/roll-up.ts";
import { applyUntold } from "./schedules/apply-schedule.ts";
import { createVisibilityWatch } from "./watch-visibility.ts";

export interface Reconciler {
  /**
   * One round now, whoever leads (for tests and commands). Answers how many open jobs it looked at one by one. `patient`: like the leader's
   * own rounds it leaves a job alone that was looked at in vain a moment ago; otherwise it looks at all.
   */
  round(options?: { patient?: boolean }): Promise<number>;
  /** Waits for the round that is under way, which ends early, and gives the lead to whoever wants it. */
  stop(): Promise<void>;
}

/** Jobs younger or livelier than this are left to those who work on them, in ms. */
const QUIET_MS = 1_500;
const BATCH = 500;
/** Jobs to be cancelled that are looked at in a round, and as many that have just gone quiet. */
const SUSPECTS = 100;
/**
 * Open jobs per second that are described for no reason but their turn, as long as a round takes no time. What is seen only so is a workflow
 * task that fails in a job which had been quiet for a minute before, in a step that says nothing for so long, a queue or a pause; and one of
 * more than 500 that went quiet in the same minute. 300 jobs are seen every 30 s, 10,000 every 17 minutes, and not before their wait is over.
 */
const WALK_PER_SECOND = 10;
const RENEW_MS = 1_000;
/** For a pointer whose store hangs: the lead would expire, and whoever takes it would hang there too. */
const POINTER_MS = 20_000;
/** For giving the lease back: where PostgreSQL is away it expires by itself. */
const RETURN_MS = 1_000;
/** Rounds between two looks at the pointers, at paused activities, at task queues, at what has ended. */
const POINTER_EVERY = 30;
const PAUSED_EVERY = 2;
const WORKERS_EVERY = 5;
/** Permits that were not passed on, or whose jobs were not told: each is somebody who died between two writes. */
const PERMITS_EVERY = 2;
const ROLL_UP_EVERY = 5;
const SCHEDULES_EVERY = 5;
/**
 * While visibility does not answer: rounds between two looks at jobs that have just ended, how many, and for how long after their end. Who
 * resets one while no worker runs is seen so; a run that a worker has adopts its row itself.
 */
const ENDED_EVERY = 5;
const ENDED_LIMIT = 50;
const ENDED_SECONDS = 60;
const NIL = "00000000-0000-0000-0000-000000000000";
const LEASE = "reconciler";

/**
 * `everyMs`: pause between two rounds; 0 runs none by itself. `now`: ms of a clock that never jumps, for the waits between looks.
 */
export function createReconciler(
  deps: ProtocolDeps,
  options: { everyMs: number; quietMs?: number; now?: () => number },
): Reconciler {
  const holder = randomUUID();
  const now = options.now ?? (() => performance.now());
  const quietMs = options.quietMs ?? QUIET_MS;
  const stop = new AbortController();
  const stopped = (): boolean => stop.signal.aborted;
  const waits = { now, slackMs: options.everyMs / 2, stopped };
  /** For jobs whose turn it is, or that may be in trouble: most of these looks are in vain. */
  const inTurn = createLooks(deps, waits);
  /** For jobs that Temporal lists otherwise than their rows: behind the waits of the others they would be told 30 s late. */
  const onEvidence = createLooks(deps, { ...waits, keepMissed: true });
  const visibility = createVisibilityWatch({ database: deps.database, executions: deps.executions, now });
  const walkLimit = Math.max(1, Math.round((WALK_PER_SECOND * (options.everyMs || 1_000)) / 1_000));
  let walkedTo = NIL;
  let rounds = 0;
  let led = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> = Promise.resolve();
  const db = () => deps.database.em.fork();

  /** Runs what is not to keep the round from its other work; says once that it fails, and that it does not any more. */
  const failing = new Set<string>();
  async function apart<T>(what: string, work: () => Promise<T>): Promise<T | null> {
    try {
      const done = await work();
      if (failing.delete(what)) deps.log.info(`${what}: works again`);
      return done;
    } catch (error) {
      if (!failing.has(what)) deps.log.warn({ reason: reasonOf(error) }, `${what}: does not work; tried again`);
      failing.add(what);
      return null;
    }
  }

  /** Answers whether visibility answers. */
  async function watch(number: number, lead: Lead): Promise<boolean> {
    const changed = await apart("listing what has changed in Temporal", () => visibility.changed(lead));
    const misplaced =
      changed && (await apart("listing the open runs in Temporal", () => visibility.misplaced(quietMs, lead)));
    // What has changed is not listed again, whatever became of the other listing.
    const looked = await onEvidence.all(changed ?? [], lead);
    if (looked !== null) await onEvidence.due(onEvidence.missed(), lead);
    if (!misplaced) {
      visibility.lost();
      return false;
    }
    await onEvidence.due(misplaced, lead);
    await onEvidence.due(await visibility.unlisted(), lead);
    if (number % PAUSED_EVERY === 0) {
      const paused = await apart("listing paused activities in Temporal", () => visibility.paused());
      await onEvidence.due(paused ?? [], lead);
    }
    return true;
  }
  async function attention(number: number): Promise<void> {
    await apart("looking for jobs without progress", () => noteStalled(deps));
    if (number % PERMITS_EVERY === 0) await apart("looking for permits that are free", () => sweepPermits(deps));
    if (number % SCHEDULES_EVERY === 0) await apart("telling Temporal of schedules", () => applyUntold(deps));
    if (number % WORKERS_EVERY === 0) await apart("looking for jobs without a worker", () => noteNoWorker(deps));
  }
  async function suspects(lead: Lead): Promise<number> {
    // More are read than looked at: the first may each be waiting for their next look.
    const cancelling = await inTurn.due(await cancellingJobs(db(), { limit: BATCH }), lead, SUSPECTS);
    if (cancelling === null) return 0;
    const overdue = await inTurn.due(await overdueJobs(db(), { limit: BATCH }), lead, SUSPECTS);
    if (overdue === null) return cancelling;
    const quiet = await inTurn.due(await suspectJobs(db(), { quietMs, limit: BATCH }), lead, SUSPECTS);
    return cancelling + overdue + (quiet ?? 0);
  }
  async function walk(lead: Lead): Promise<number> {
    const jobs = await quietOpenJobs(db(), { afterId: walkedTo, quietMs, limit: walkLimit });
    walkedTo = jobs.length < walkLimit ? NIL : (jobs.at(-1)?.id ?? NIL);
    return (await inTurn.due(jobs, lead)) ?? 0;
  }
  /** All quiet jobs, one by one. */
  async function open(patient: boolean, lead: Lead): Promise<number> {
    let looked = 0;
    for (let afterId = NIL; ;) {
      const jobs: QuietJob[] = await quietOpenJobs(db(), { afterId, quietMs, limit: BATCH });
      const count = await (patient ? inTurn.due(jobs, lead) : inTurn.all(jobs, lead));
      if (count === null) return looked;
      looked += count;
      const last = jobs.at(-1);
      if (jobs.length < BATCH || last === undefined) return looked;
      afterId = last.id;
    }
  }
  async function ended(lead: Lead): Promise<void> {
    await inTurn.all(await justEndedJobs(db(), { seconds: ENDED_SECONDS, limit: ENDED_LIMIT }), lead);
  }
  async function pointers(lead: Lead): Promise<void> {
    for (const to of await listEnvironments(db())) {
      if (!(await lead())) return;
      // One that cannot be written must not keep the others from it, nor the round from its jobs.
      await inTime(projectPointer(deps, to), POINTER_MS).catch((error: unknown) => {
        const { project, environment, epoch } = to;
        deps.log.warn({ project, environment, epoch, reason: reasonOf(error) }, "a pointer could not be brought up");
      });
    }
  }
  async function round(patient: boolean, lead: Lead): Promise<number> {
    const number = rounds++;
    if (number % POINTER_EVERY === 0) await pointers(lead);
    const sees = await watch(number, lead);
    if (!sees && number % ENDED_EVERY === 0) await ended(lead);
    const looked = sees && patient ? (await suspects(lead)) + (await walk(lead)) : await open(patient, lead);
    if (await lead()) await attention(number);
    if (number % ROLL_UP_EVERY === 0) await apart("counting what has ended", () => rollUpOnce(deps.database));
    for (const looks of [inTurn, onEvidence]) looks.endRound();
    return looked;
  }
  async function tick(): Promise<void> {
    try {
      const lead = leadership();
      if (await lead()) await round(true, lead);
    } catch (error) {
      deps.log.warn({ reason: reasonOf(error) }, "a round of the reconciler failed; the next one tries again");
    }
    if (!stopped()) timer = setTimeout(run, options.everyMs);
  }
  /** Takes the lease and renews it as the round goes on, at most once a second; the watermark goes with it. */
  function leadership(): Lead {
    const seconds = Math.max(5, (options.everyMs * 5) / 1_000);
    let renewed = -Infinity;
    let leads = true;
    return async () => {
      if (stopped() || !leads || now() - renewed < RENEW_MS) return leads && !stopped();
      const first = renewed === -Infinity;
      renewed = now();
      leads = await takeLease(db(), { name: LEASE, holder, seconds, watermark: led ? visibility.watermark() : null });
      if (leads) {
        if (led) return true;
        // Whoever led meanwhile has changed what was seen here.
        for (const looks of [inTurn, onEvidence]) looks.forget();
        visibility.begin(await leaseWatermark(db(), LEASE));
        led = true;
        return true;
      }
      led = false;
      if (!first) deps.log.warn("another gateway took the lead in the middle of a round: it ends here");
      return false;
    };
  }
  function run(): void {
    running = tick();
  }
  if (options.everyMs > 0) run();

  return {
    round: ({ patient = false } = {}) => round(patient, async () => !stopped()),
    async stop() {
      stop.abort();
      clearTimeout(timer);
      await running;
      if (!led) return;
      led = false;
      const lease = { name: LEASE, holder, watermark: visibility.watermark() };
      await inTime(returnLease(db(), lease), RETURN_MS).catch((error: unknown) => {
        deps.log.warn({ reason: reasonOf(error) }, "the lead could not be given back; it expires by itself");
      });
    },
  };
}
