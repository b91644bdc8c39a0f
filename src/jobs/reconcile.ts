/**
 * The reconciler's rounds: open jobs that have gone quiet, jobs that have just ended, and pointers that are behind their
 * environment. One gateway leads at a time. Starts what a gateway inserted and did not start, settles what ended without code of
 * ours, reopens what was reset while no worker runs.
 */
import { randomUUID } from "node:crypto";
import { reasonOf } from "../errors.ts";
import { listEnvironments } from "../releases/release-store.ts";
import { inParallel } from "../storage/in-parallel.ts";
import { justEndedJobs, quietOpenJobs, type QuietJob } from "./job-store.ts";
import { takeLease } from "./lease-store.ts";
import { createLookBackOff } from "./look-back-off.ts";
import type { ProtocolDeps } from "./protocol/attempt.ts";
import { projectPointer } from "./protocol/project.ts";
import { reconcileJob } from "./protocol/reconcile.ts";

export interface Reconciler {
  /**
   * One round now, whoever leads (for tests and commands). Answers how many jobs it looked at. `patient`: like the leader's own
   * rounds it leaves a job alone that was looked at in vain a moment ago; otherwise it looks at all.
   */
  round(options?: { patient?: boolean }): Promise<number>;
  stop(): Promise<void>;
}

/** Jobs younger or livelier than this are left to those who work on them, in ms. */
const QUIET_MS = 1_500;
const BATCH = 500;
/** Calls to Temporal at a time, and jobs between two looks at the lease, which is renewed when it is a second old. */
const CONCURRENCY = 10;
const SLICE = 50;
const RENEW_MS = 1_000;
/** The longest wait between two looks at a job: there is nothing to do; a cancel was sent again; it could not be looked at. */
const NOTHING_MS = 30_000;
const CANCEL_MS = 5_000;
const FAILED_MS = 5_000;
/** Rounds between two looks at the pointers. */
const POINTER_EVERY = 30;
/**
 * Rounds between two looks at jobs that have just ended, how many, and for how long after their end. With more than one that ends a
 * second, each is looked at now and then: all of them each time took a tenth of what Temporal can do. An operator who resets one
 * while no worker runs is seen so; whoever resets an older one is seen when a worker runs it, as the run itself then adopts the
 * row. Resets of any age, without a worker: a listing of started workflows by Temporal's visibility, which is to come.
 */
const ENDED_EVERY = 5;
const ENDED_LIMIT = 50;
const ENDED_SECONDS = 60;
const NIL = "00000000-0000-0000-0000-000000000000";

/**
 * `everyMs`: pause between two rounds; 0 runs none by itself. `now`: ms of a clock that never jumps, for the waits between looks.
 */
export function createReconciler(
  deps: ProtocolDeps,
  options: { everyMs: number; quietMs?: number; now?: () => number },
): Reconciler {
  const holder = randomUUID();
  const now = options.now ?? (() => performance.now());
  const looks = createLookBackOff({ now, slackMs: options.everyMs / 2 });
  const stop = new AbortController();
  let rounds = 0;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> = Promise.resolve();

  /** Answers false when the round is to end here: someone else leads by now, or this process stops. */
  type Lead = () => Promise<boolean>;

  /** Answers how many of them it looked at, or null when the round is to end here. */
  async function lookAt(jobs: QuietJob[], lead: Lead): Promise<number | null> {
    for (let at = 0; at < jobs.length; at += SLICE) {
      if (stop.signal.aborted || !(await lead())) return null;
      const slice = jobs.slice(at, at + SLICE);
      const done = await inParallel(slice, { atATime: CONCURRENCY }, one);
      // Temporal is away, or PostgreSQL: the others would each wait for it in vain.
      if (slice.length >= CONCURRENCY && !done.includes(true)) return null;
    }
    return jobs.length;
  }
  /** False when it failed. */
  async function one({ id, mark }: QuietJob): Promise<boolean> {
    if (stop.signal.aborted) return true;
    try {
      const done = await reconcileJob(deps, id);
      let first = true;
      if (done === "nothing") looks.wait(id, mark, NOTHING_MS);
      else if (done === "cancel") first = looks.wait(id, mark, CANCEL_MS);
      else looks.forget(id);
      if (done !== "nothing" && first) deps.log.info({ job_id: id, done }, "reconciled a job");
      return true;
    } catch (error) {
      looks.wait(id, mark, FAILED_MS);
      deps.log.warn(
        { job_id: id, reason: reasonOf(error) },
        "a job could not be reconciled; a later round tries again",
      );
      return false;
    }
  }
  async function open(patient: boolean, lead: Lead): Promise<number> {
    let looked = 0;
    for (let afterId = NIL; ;) {
      const jobs = await quietOpenJobs(deps.database.em.fork(), {
        afterId,
        quietMs: options.quietMs ?? QUIET_MS,
        limit: BATCH,
      });
      const due = jobs.filter(({ id, mark }) => looks.isDue(id, mark) || !patient);
      const count = await lookAt(due, lead);
      if (count === null) return looked;
      looked += count;
      const last = jobs.at(-1);
      if (jobs.length < BATCH || last === undefined) break;
      afterId = last.id;
    }
    looks.endRound();
    return looked;
  }
  async function ended(lead: Lead): Promise<void> {
    const jobs = await justEndedJobs(deps.database.em.fork(), { seconds: ENDED_SECONDS, limit: ENDED_LIMIT });
    await lookAt(jobs, lead);
  }
  async function pointers(lead: Lead): Promise<void> {
    for (const to of await listEnvironments(deps.database.em.fork())) {
      if (stop.signal.aborted || !(await lead())) return;
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
    if (number % ENDED_EVERY === 0) await ended(lead);
    return open(patient, lead);
  }
  async function tick(): Promise<void> {
    try {
      const lead = leadership();
      if (await lead()) await round(true, lead);
    } catch (error) {
      deps.log.warn({ reason: reasonOf(error) }, "a round of the reconciler failed; the next one tries again");
    }
    if (!stop.signal.aborted) timer = setTimeout(run, options.everyMs);
  }
  /** Takes the lease and renews it as the round goes on, at most once a second. */
  function leadership(): Lead {
    const seconds = Math.max(5, (options.everyMs * 5) / 1_000);
    let renewed = -Infinity;
    let leads = true;
    return async () => {
      if (!leads || now() - renewed < RENEW_MS) return leads;
      const first = renewed === -Infinity;
      renewed = now();
      leads = await takeLease(deps.database.em.fork(), { name: "reconciler", holder, seconds });
      if (leads) return true;
      // Whoever leads by now may change what was seen here.
      looks.clear();
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
