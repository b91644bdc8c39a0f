/**
 * What Temporal says of a job beside its row: the workflow's own answer, then `describe`, which needs no worker. Asked when a watcher
 * comes, when a step changes, and while the row is silent; never more than one question per job at a time.
 *
 *   row speaks ──quiet for `silentMs`──► asked ──news──► asked again after `silentMs`
 *                                          └──no news, busy──► asked again later each time, up to 15 s
 *
 * It only ever adds: a job's shown progress never goes back within its generation, whoever spoke last. Where Temporal's run is not the
 * row's, or has closed, the row is brought up to it at once (`protocol/reconcile.ts`): whoever watches need not wait for the leader.
 */
import pLimit from "p-limit";
import { isFinal } from "../../contract/job-state.ts";
import type { Notice, NoticeCode } from "../../contract/notice.ts";
import type { StepStatus } from "../../contract/progress.ts";
import { reasonOf } from "../errors.ts";
import { inTime } from "../in-time.ts";
import type { Log } from "../log.ts";
import type { Executions } from "../temporal.ts";
import type { JobRecord } from "./job-queries-store.ts";

/** What was said of one run of a job. */
export interface Opinion {
  run_id: string;
  progress: number;
  step: string | null;
  steps: { name: string; status: StepStatus }[];
  /** Counts only as long as the row is the one it was asked beside. */
  message: string | null;
  beside: JobRecord;
}

/** A job as watchers see it. */
export interface ShownJob extends JobRecord {
  notice?: Notice;
}

const LONGEST_PAUSE_MS = 15_000;
/** Workflows that are asked at a time: each question is a task for a worker. */
const AT_A_TIME = 10;
/** A row is brought up in milliseconds, but for a pointer that has to be written to a store. Longer than this no other question waits for it. */
const BRING_UP_MS = 5_000;
/** Questions that wait at most, of all jobs: what is silent is asked again in the next sweep. */
const MAX_WAITING = 100;

const SENTENCES = {
  database_away:
    "PostgreSQL cannot be reached: what is shown may be old. Nothing is lost; the rest comes when it is back.",
  temporal_away: "Temporal cannot be reached. What runs goes on; the rest comes when it is back.",
  workers_silent: "No worker answers for this job. It goes on when one is back.",
} as const;

export const noticeOf = (code: NoticeCode, since: Date): Notice => ({
  ...{ code, message: SENTENCES[code], since: since.toISOString() },
});

/** The row, and what the opinion knows beyond it. An opinion of another run, or of a job that has ended, says nothing. */
export function withOpinion(row: JobRecord, opinion: Opinion | null): JobRecord {
  if (!opinion || isFinal(row.status) || row.run_id !== opinion.run_id) return row;
  const fresh = opinion.beside === row;
  const ahead = opinion.progress > row.progress;
  if (!ahead && !(fresh && opinion.message !== null && opinion.message !== row.message)) return row;
  const order: Record<StepStatus, number> = { pending: 0, running: 1, failed: 2, done: 3 };
  const steps = row.steps.map((step) => {
    const said = opinion.steps.find(({ name }) => name === step.name)?.status ?? step.status;
    return ahead && order[said] > order[step.status] ? { ...step, status: said } : step;
  });
  return {
    ...row,
    steps,
    step: ahead && fresh ? (opinion.step ?? row.step) : row.step,
    // The last percent is the final state's.
    progress: Math.max(row.progress, Math.min(99, opinion.progress)),
    message: fresh ? (opinion.message ?? row.message) : row.message,
  };
}

/** What is kept of a watched job between two questions. */
export interface Asking {
  /** ms of `now()`: not asked before. */
  not_before: number;
  pause: number;
  opinion: Opinion | null;
  notice: Notice | null;
}

export const newAsking = (): Asking => ({ not_before: 0, pause: 0, opinion: null, notice: null });

export interface SecondOpinions {
  /** Asks, unless a question on that job is under way, it is too soon, or too many others wait; then calls `told`, if there is news. */
  ask(job: JobRecord, asking: Asking, told: () => void): void;
}

/**
 * `silentMs`: see above. `databaseAway`: then heartbeats are asked for as well, which usually come through the row. `reconcile`: called for a
 * job that Temporal tells otherwise; absent where nothing is to be written.
 */
export function createSecondOpinions(options: {
  executions: Pick<Executions, "queryProgress" | "describe">;
  reconcile?: (jobId: string) => Promise<unknown>;
  silentMs: number;
  databaseAway(): boolean;
  now(): number;
  log: Log;
}): SecondOpinions {
  const { executions, silentMs, now } = options;
  const questions = pLimit(AT_A_TIME);
  /** Ids of jobs: a job that is left and watched again is not asked twice for that. */
  const underWay = new Set<string>();
  /** Jobs that are being brought up, also those that nobody waits for any more: a store that hangs gets one of these per job. */
  const broughtUp = new Set<string>();

  /** Null where Temporal cannot say either. */
  async function described(job: JobRecord): Promise<Opinion | "away" | null> {
    const execution = await executions.describe(job.workflow_id).catch(() => "away" as const);
    if (execution === "away") return "away";
    if (!execution?.open || execution.run_id !== job.run_id) await bringUp(job);
    if (!execution?.open || !execution.heartbeat || execution.run_id !== job.run_id) return null;
    const { step, percent, message } = execution.heartbeat;
    return { run_id: execution.run_id, progress: percent, step, steps: [], message, beside: job };
  }

  /** A queued job is left to whoever starts it. */
  async function bringUp(job: JobRecord): Promise<void> {
    if (job.status !== "running" || !options.reconcile || options.databaseAway() || broughtUp.has(job.id)) return;
    broughtUp.add(job.id);
    const work = options.reconcile(job.id).finally(() => broughtUp.delete(job.id));
    await inTime(work, BRING_UP_MS).catch((error: unknown) => {
      options.log.warn({ reason: reasonOf(error), job_id: job.id }, "a watched job could not be reconciled");
    });
  }

  async function opinionOn(
    job: JobRecord,
  ): Promise<{ opinion: Opinion | null; code: NoticeCode | null; busy: boolean }> {
    const answer = await executions.queryProgress(job.workflow_id);
    const none = { opinion: null, code: null, busy: false };
    if (answer.kind === "closed") await bringUp(job);
    if (answer.kind === "closed") return none;
    if (answer.kind === "busy") return { ...none, busy: true };
    if (answer.kind === "away") return { ...none, code: "temporal_away" };
    const said: Opinion | null =
      answer.kind === "said" && answer.progress.run_id !== undefined
        ? {
            run_id: answer.progress.run_id,
            progress: answer.progress.percent,
            step: answer.progress.step,
            steps: answer.progress.steps,
            message: null,
            beside: job,
          }
        : null;
    if (said && said.run_id !== job.run_id) await bringUp(job);
    if (answer.kind === "said" && !options.databaseAway()) return { ...none, opinion: said };
    const more = await described(job);
    if (more === "away") return { ...none, opinion: said, code: "temporal_away" };
    return { ...none, opinion: furthest(said, more), code: answer.kind === "silent" ? "workers_silent" : null };
  }

  async function work(job: JobRecord, asking: Asking, told: () => void): Promise<void> {
    const { opinion, code, busy } = await opinionOn(job);
    const before = asking.opinion;
    const news = opinion !== null && (opinion.progress !== before?.progress || opinion.message !== before.message);
    if (opinion) asking.opinion = furthest(before?.run_id === opinion.run_id ? before : null, opinion);
    const known = asking.notice;
    if (code !== known?.code) asking.notice = code && noticeOf(code, new Date());
    asking.pause = news && !busy ? silentMs : Math.min(LONGEST_PAUSE_MS, Math.max(silentMs, asking.pause * 2));
    asking.not_before = now() + asking.pause * (0.75 + Math.random() / 2);
    if (news || asking.notice !== known) told();
  }

  return {
    ask(job, asking, told) {
      if (underWay.has(job.id) || underWay.size >= MAX_WAITING || now() < asking.not_before) return;
      underWay.add(job.id);
      questions(() => work(job, asking, told))
        .catch((error: unknown) => options.log.warn({ error, job_id: job.id }, "a workflow's answer could not be read"))
        .finally(() => underWay.delete(job.id));
    },
  };
}

/** The one that is further on; at the same percent the newer one, which may have another message. */
function furthest(older: Opinion | null, newer: Opinion | null): Opinion | null {
  if (!older || !newer) return newer ?? older;
  return newer.progress >= older.progress
    ? { ...newer, steps: newer.steps.length > 0 ? newer.steps : older.steps }
    : { ...older, beside: newer.beside };
}
