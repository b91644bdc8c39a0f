/**
 * The reconciler's rounds: open jobs that have gone quiet, and pointers that are behind their environment. One gateway leads
 * at a time. Starts what a gateway inserted and did not start, settles what ended without code of ours.
 */
import { randomUUID } from "node:crypto";
import pLimit from "p-limit";
import { reasonOf } from "../errors.ts";
import { listEnvironments } from "../releases/release-store.ts";
import { quietOpenJobs } from "./job-store.ts";
import { takeLease } from "./lease-store.ts";
import type { ProtocolDeps } from "./protocol/attempt.ts";
import { projectPointer } from "./protocol/project.ts";
import { reconcileJob } from "./protocol/reconcile.ts";

export interface Reconciler {
  /** One round now, whoever leads (for tests and commands). Answers how many jobs it looked at. */
  round(): Promise<number>;
  stop(): Promise<void>;
}

/** Jobs younger or livelier than this are left to those who work on them, in ms. */
const QUIET_MS = 1_500;
const BATCH = 500;
/** Calls to Temporal at a time. */
const CONCURRENCY = 10;
/** Rounds between two looks at the pointers. */
const POINTER_EVERY = 30;
const NIL = "00000000-0000-0000-0000-000000000000";

/** `everyMs`: pause between two rounds; 0 runs none by itself. */
export function createReconciler(deps: ProtocolDeps, options: { everyMs: number; quietMs?: number }): Reconciler {
  const holder = randomUUID();
  const limit = pLimit(CONCURRENCY);
  let rounds = 0;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> = Promise.resolve();

  async function jobs(): Promise<number> {
    let looked = 0;
    for (let afterId = NIL; ;) {
      const ids = await quietOpenJobs(deps.database.em.fork(), {
        afterId,
        quietMs: options.quietMs ?? QUIET_MS,
        limit: BATCH,
      });
      await Promise.all(ids.map((id) => limit(() => one(id))));
      looked += ids.length;
      const last = ids.at(-1);
      if (ids.length < BATCH || last === undefined || stopped) return looked;
      afterId = last;
    }
  }
  async function one(id: string): Promise<void> {
    try {
      const done = await reconcileJob(deps, id);
      if (done !== "nothing") deps.log.info({ job_id: id, done }, "reconciled a job");
    } catch (error) {
      deps.log.warn(
        { job_id: id, reason: reasonOf(error) },
        "a job could not be reconciled; the next round tries again",
      );
    }
  }
  async function pointers(): Promise<void> {
    for (const to of await listEnvironments(deps.database.em.fork())) {
      // One that cannot be written must not keep the others from it, nor the round from its jobs.
      await projectPointer(deps, to).catch((error: unknown) => {
        const { project, environment, epoch } = to;
        deps.log.warn({ project, environment, epoch, reason: reasonOf(error) }, "a pointer could not be brought up");
      });
    }
  }
  async function round(): Promise<number> {
    if (rounds++ % POINTER_EVERY === 0) await pointers();
    return jobs();
  }
  async function tick(): Promise<void> {
    try {
      const seconds = Math.max(5, (options.everyMs * 5) / 1_000);
      if (await takeLease(deps.database.em.fork(), { name: "reconciler", holder, seconds })) await round();
    } catch (error) {
      deps.log.warn({ reason: reasonOf(error) }, "a round of the reconciler failed; the next one tries again");
    }
    if (!stopped) timer = setTimeout(run, options.everyMs);
  }
  function run(): void {
    running = tick();
  }
  if (options.everyMs > 0) run();

  return {
    round,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
