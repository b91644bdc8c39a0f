/**
 * The reconciler's rounds. One gateway leads at a time; every write of it is a compare-and-set, so two at once do no harm.
 *
 *   each round   what has started or closed in Temporal, and all open runs, against the rows (`watch-visibility.ts`);
 *                jobs that are to be cancelled or have just gone quiet; jobs without progress
 *   in turns     the other open jobs, a few per second; paused activities; task queues without workers; pointers behind their environment
 *
 * It starts what a gateway inserted and did not start, settles what ended without code of ours, reopens what was reset while no
 * worker runs. While visibility does not answer it describes quiet jobs one by one instead, each less and less often.
 */
import { randomUUID } from "node:crypto";
import { reasonOf } from "../errors.ts";
import { listEnvironments } from "../releases/release-store.ts";
import { noteNoWorker } from "./attention/no-worker.ts";
import { noteStalled } from "./attention/stalled.ts";
import { leaseWatermark, takeLease } from "./lease-store.ts";
import { createLooks, type Lead } from "./look-at-jobs.ts";
import type { ProtocolDeps } from "./protocol/attempt.ts";
import { projectPointer } from "./protocol/project.ts";
import { justEndedJobs, quietOpenJobs, suspectJobs, type QuietJob } from "./reconcile-store.ts";
import { createVisibilityWatch } from "./watch-visibility.ts";

export interface Reconciler {
  /**
   * One round now, whoever leads (for tests and commands). Answers how many open jobs it looked at one by one. `patient`: like the leader's
   * own rounds it leaves a job alone that was looked at in vain a moment ago; otherwise it looks at all.
   */
  round(options?: { patient?: boolean }): Promise<number>;
  stop(): Promise<void>;
}

/** Jobs younger or livelier than this are left to those who work on them, in ms. */
const QUIET_MS = 1_500;
const BATCH = 500;
/** Jobs to be cancelled or just gone quiet that are looked at in a round. */
const SUSPECTS = 100;
/**
 * Open jobs per second that are described for no reason but their turn. What is seen only so is a workflow task that fails in a job which
 * has been quiet for more than a minute. 300 jobs are seen every 30 s, 10,000 every 17 minutes.
 */
const WALK_PER_SECOND = 10;
const RENEW_MS = 1_000;
/** Rounds between two looks at the pointers, at paused activities, at task queues. */
const POINTER_EVERY = 30;
const PAUSED_EVERY = 2;
const WORKERS_EVERY = 5;
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
  const looks = createLooks(deps, { now, slackMs: options.everyMs / 2, stopped });
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
    const found = await apart("listing what has changed in Temporal", async () => ({
      changed: await visibility.changed(lead),
      misplaced: await visibility.misplaced(quietMs),
    }));
    if (!found) {
      visibility.lost();
      return false;
    }
    await looks.all(found.changed, lead);
    await looks.due(looks.missed(), lead);
    await looks.due(found.misplaced, lead);
    if (number % PAUSED_EVERY === 0) {
      const paused = await apart("listing paused activities in Temporal", () => visibility.paused());
      await looks.due(paused ?? [], lead);
    }
    return true;
  }
  async function attention(number: number): Promise<void> {
    await apart("looking for jobs without progress", () => noteStalled(deps));
    if (number % WORKERS_EVERY === 0) await apart("looking for jobs without a worker", () => noteNoWorker(deps));
  }
  async function suspects(lead: Lead): Promise<number> {
    const jobs = await suspectJobs(db(), { quietMs, limit: SUSPECTS });
    return (await looks.due(jobs, lead)) ?? 0;
  }
  async function walk(lead: Lead): Promise<number> {
    const jobs = await quietOpenJobs(db(), { afterId: walkedTo, quietMs, limit: walkLimit });
    walkedTo = jobs.length < walkLimit ? NIL : (jobs.at(-1)?.id ?? NIL);
    return (await looks.due(jobs, lead)) ?? 0;
  }
  /** All quiet jobs, one by one. */
  async function open(patient: boolean, lead: Lead): Promise<number> {
    let looked = 0;
    for (let afterId = NIL; ;) {
      const jobs: QuietJob[] = await quietOpenJobs(db(), { afterId, quietMs, limit: BATCH });
      const count = await (patient ? looks.due(jobs, lead) : looks.all(jobs, lead));
      if (count === null) return looked;
      looked += count;
      const last = jobs.at(-1);
      if (jobs.length < BATCH || last === undefined) return looked;
      afterId = last.id;
    }
  }
  async function ended(lead: Lead): Promise<void> {
    await looks.all(await justEndedJobs(db(), { seconds: ENDED_SECONDS, limit: ENDED_LIMIT }), lead);
  }
  async function pointers(lead: Lead): Promise<void> {
    for (const to of await listEnvironments(db())) {
      if (stopped() || !(await lead())) return;
      // One that cannot be written must not keep the others from it, nor the round from its jobs.
      await projectPointer(deps, to).catch((error: unknown) => {
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
    await attention(number);
    looks.endRound();
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
      if (!leads || now() - renewed < RENEW_MS) return leads;
      const first = renewed === -Infinity;
      renewed = now();
      leads = await takeLease(db(), { name: LEASE, holder, seconds, watermark: led ? visibility.watermark() : null });
      if (leads) {
        if (!led) visibility.begin(await leaseWatermark(db(), LEASE));
        led = true;
        return true;
      }
      led = false;
      // Whoever leads by now may change what was seen here.
      looks.forget();
      if (!first) deps.log.warn("another gateway took the lead in the middle of a round: it ends here");
      return false;
    };
  }
  function run(): void {
    running = tick();
  }
  if (options.everyMs > 0) run();

  return {
    round: ({ patient = false } = {}) => round(patient, async () => true),
    async stop() {
      stop.abort();
      clearTimeout(timer);
      await running;
    },
  };
}
