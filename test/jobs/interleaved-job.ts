/**
 * One job in the hands of a Temporal that does what operators, networks and retries make it do, in any order; and a model of who may
 * write its row. Everything that writes is the product's own and meets the real database; only Temporal's answers are data.
 *
 *   holder    the attempt that entered last: its writes count, and no other's
 *   frontier  the turn of that one, or of the run that the reconciler has adopted: who is older never enters again
 *   ended     the job is final, by this run or before it had one: only a run that a reset makes opens it again, or a retry
 *   retired   runs that a retry has left behind
 *   live      the newest attempt of the current, open run: it is never kept out, but by the end of its own job
 */
import { expect } from "vitest";
import { isFinal, type JobStatus } from "../../contract/job-state.ts";
import { PUBLISH_STEPS } from "../../contract/publish.ts";
import { query, queryOne } from "../../src/db.ts";
import { createProgressMirror } from "../../src/jobs/progress-mirror.ts";
import type { Grip } from "../../src/jobs/protocol/attempt.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { finishJob } from "../../src/jobs/protocol/finish.ts";
import { published } from "../../src/jobs/protocol/project.ts";
import { leaveStep, logEntry, noteTrouble } from "../../src/jobs/protocol/ledger-writes.ts";
import { reconcileJob } from "../../src/jobs/protocol/reconcile.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { settleJob } from "../../src/jobs/protocol/settle.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { attemptOf, FAILED, type ProtocolRoom } from "../support/protocol-room.ts";
import { ledger } from "../support/publishing.ts";

export type Write = "log" | "leave" | "report" | "trouble" | "finish" | "settle";

/** What happens next. `who` counts back from the newest attempt; an attempt enters first, whatever it was to do. */
export type Event =
  /** The current run's activity is tried again, is reset by an operator (its attempts count from 1 again), or the next one begins. */
  | { kind: "attempt"; how: "again" | "activity reset" | "next step" }
  /** `delay`: so many events later it reaches PostgreSQL, on the terms of now. `during`: happens while the product asks Temporal. */
  | { kind: "act"; who: number; write: Write; delay: number; during: readonly Event[] }
  | { kind: "reconcile"; during: readonly Event[] }
  | { kind: "reset run" | "terminate" | "retry job" | "cancel job" };

interface Run {
  id: string;
  /** Of its making, among all runs and attempts. */
  turn: number;
  reset: boolean;
  generation: number;
  open: boolean;
}

interface Attempt {
  run: Run;
  /** Of its scheduling. */
  turn: number;
  /** By the server's clock, in ms: two attempts of one run are never in the same one, those of two runs may be. */
  at: number;
  /** As Temporal counts: the protocol must not go by it. */
  number: number;
  step: number;
  entering: boolean;
  grip: Grip | null;
  /** Reports it has made, and the newest that the row has. */
  reports: number;
  landed: number;
}

interface Look {
  row: { status: JobStatus; run_id: string | null; generation: number; updated_at: string } & Record<string, unknown>;
  events: number;
  guard: string | null;
}

const RESULT = {
  ...{ release_id: "rel_1", release_url: "/dev/town/release.json", overlay_count: 2, tile_count: 3 },
  ...{ digest: "d".repeat(64), published_at: "2026-01-01T00:00:00.000Z" },
};

/** Plays the events against a new job. Rejects where the product does what the model forbids. */
export async function playJob({ room, temporal, renew }: ProtocolRoom, events: readonly Event[]): Promise<void> {
  const { deps, database } = room;
  const { job } = await renew();
  const mirror = createProgressMirror({ ...deps, tickMs: 3_600_000 });
  const runs: Run[] = [];
  const attempts: Attempt[] = [];
  const pending: { at: number; run: () => Promise<void> }[] = [];
  let turn = 0;
  let now = 1;
  let holder: Attempt | null = null;
  let frontier = 0;
  let ended: Run | "before its run" | null = null;
  const retired = new Set<Run>();

  const current = (): Run | undefined => runs.at(-1);
  const byId = (id: string | null): Run | undefined => runs.find((run) => run.id === id);
  function publishExecution(): void {
    const run = current();
    if (run) temporal.current = { ...run, run_id: run.id, status: run.open ? "RUNNING" : "TERMINATED" };
  }
  function makeRun(reset: boolean, generation: number): void {
    turn += 1;
    const id = `${reset ? "R" : "F"}${runs.length + 1}`;
    runs.push({ id, reset, generation, open: true, turn });
    publishExecution();
  }
  function closeRun(): void {
    const run = current();
    if (run) run.open = false;
    publishExecution();
  }
  temporal.start = async ({ input }) => {
    if (current()?.open || (input.generation === 1 && runs.length > 0)) return "already_started";
    makeRun(false, input.generation);
    return "started";
  };

  async function look(): Promise<Look> {
    const found = await queryOne<Look>(
      database.em.fork(),
      `select to_jsonb(j) as row, (select count(*)::int from job_events where job_id = j.id) as events,
         (select job_id from publish_guards where job_id = j.id) as guard
       from jobs j where id = $1`,
      [job],
    );
    return found!;
  }
  let seen = await look();

  /** Does `work`, with `during` in the middle of it if it asks Temporal. Answers what it was before its own write, and is now. */
  async function doing<T>(work: () => Promise<T>, during: readonly Event[] = []): Promise<{ answer: T; before: Look }> {
    let before = seen;
    temporal.whileDescribing = async () => {
      for (const event of during) await happen(event);
      before = seen;
    };
    const answer = await work();
    temporal.whileDescribing = null;
    seen = await look();
    return { answer, before };
  }

  const isLive = (attempt: Attempt): boolean => {
    const { run } = attempt;
    const newest = attempts.findLast((each) => each.run === run) === attempt;
    const over = ended === run || (ended === "before its run" && !run.reset);
    return newest && run === current() && run.open && !retired.has(run) && !over;
  };

  async function enter(attempt: Attempt, during: readonly Event[] = []): Promise<void> {
    const { run, at } = attempt;
    const mayAdopt = (): boolean => run.reset && run === current() && run.open && run !== ended;
    const couldAdopt = mayAdopt();
    const who = attemptOf(job, run.id, at, { generation: run.generation, reset: run.reset });
    const entry = { step: PUBLISH_STEPS[attempt.step]!.name, message: `${run.id} at ${at}` };
    const { answer, before } = await doing(() => enterStep(deps, who, entry), during);
    const stale = attempt.turn < frontier || retired.has(run) || (ended !== null && !couldAdopt && !mayAdopt());
    const told = `attempt ${at} of ${run.id}, which ${stale ? "is stale" : isLive(attempt) ? "is live" : "may enter"}`;
    if (answer.kind !== "entered") {
      expect(seen, `${told}, was told ${answer.kind} and wrote`).toEqual(before);
      expect(isLive(attempt), `${told}, was told ${answer.kind}`).toBe(false);
      return;
    }
    expect(stale, `${told}, entered`).toBe(false);
    expect(seen.row).toMatchObject({ status: "running", run_id: run.id, attempt_at: at });
    Object.assign(attempt, { grip: answer.grip, landed: 0 });
    [holder, frontier, ended] = [attempt, attempt.turn, null];
  }

  async function write(attempt: Attempt, what: Write, report: number): Promise<void> {
    const grip = attempt.grip!;
    const counts = attempt === holder && ended === null;
    const told = `${what} of attempt ${attempt.at} of ${attempt.run.id}`;
    if (isLive(attempt)) expect(counts, `${told} is live`).toBe(true);
    const step = PUBLISH_STEPS[attempt.step]!.name;
    const writes: Record<Write, () => Promise<unknown>> = {
      log: () => logEntry(deps, grip, { level: "info", message: told, step }),
      leave: () => leaveStep(deps, grip, step, told),
      trouble: () => noteTrouble(deps, grip, { code: "store_unavailable", message: told, step }),
      finish: () => finishJob(deps, grip, published(RESULT, "dev")),
      settle: () => settleJob(deps, grip, FAILED),
      async report() {
        const { job_id, generation, attempt_at } = grip;
        mirror.report({ job_id, generation, attempt_at, report, progress: 1, message: told });
        await mirror.flush();
      },
    };
    const { answer, before } = await doing(() =>
      writes[what]().then(
        () => null,
        (error: { code?: string }) => error,
      ),
    );
    expect(answer?.code ?? "superseded", told).toBe("superseded");
    if (!counts || (what === "report" && report <= attempt.landed)) {
      expect(seen, `${told} is stale`).toEqual(before);
      return;
    }
    expect(answer, told).toBeNull();
    expect(seen.row.updated_at, `${told} counts`).not.toBe(before.row.updated_at);
    if (what === "finish" || what === "settle") ended = attempt.run;
    if (what === "report") attempt.landed = report;
    if (what === "leave" || what === "trouble") attempt.landed = Infinity;
  }

  async function reconcile(during: readonly Event[] = []): Promise<void> {
    const { before } = await doing(() => reconcileJob(deps, job), during);
    const { row } = seen;
    if (row.generation !== before.row.generation) {
      expect(row.run_id, "the reconciler adopts a run that the row has already").not.toBe(before.row.run_id);
      [holder, ended, frontier] = [null, null, byId(row.run_id)!.turn];
    } else if (isFinal(row.status) && !isFinal(before.row.status)) ended = byId(row.run_id) ?? null;
  }

  async function retry(): Promise<void> {
    const by = { tenant_id: room.tenant_id, name: "Ada" };
    const was = seen.row.status;
    const [old, run] = [[...runs], current()];
    // The row does not know of this reset yet: its run takes the job over all the same.
    const adopter = run?.open && run.reset && run !== ended ? run : null;
    const { answer, before } = await doing(() =>
      retryJob(deps, { job_id: job, by }).then(
        () => true,
        () => false,
      ),
    );
    expect(answer).toBe(was === "failed" || was === "cancelled");
    if (!answer) return expect(seen).toEqual(before);
    for (const each of old) if (each !== adopter) retired.add(each);
    [holder, ended] = [null, null];
  }

  async function cancel(): Promise<void> {
    const by = { tenant_id: room.tenant_id, id: room.principal.id, name: "Ada" };
    const { answer, before } = await doing(() =>
      cancelJob(deps, { job_id: job, by }).then(
        (said) => said,
        () => null,
      ),
    );
    const { status, cancel_requested_at } = before.row;
    if (status === "cancelled" && cancel_requested_at !== null) {
      expect([answer, seen]).toEqual(["cancelled", before]);
      return;
    }
    expect(answer).toBe({ queued: "cancelled", running: "requested" }[status as string] ?? null);
    if (answer === "cancelled") ended = "before its run";
  }

  function schedule(how: "again" | "activity reset" | "next step"): void {
    const run = current();
    if (!run?.open) return;
    turn += 1;
    const last = attempts.findLast((each) => each.run === run);
    if (last || how === "next step") now += 1;
    const step = how === "next step" ? Math.min((last?.step ?? -1) + 1, PUBLISH_STEPS.length - 1) : (last?.step ?? 0);
    const number = how === "again" ? (last?.number ?? 0) + 1 : 1;
    attempts.push({ run, turn, at: now, number, step, entering: false, grip: null, reports: 0, landed: 0 });
  }

  function act({ who, write: what, during }: Extract<Event, { kind: "act" }>): (() => Promise<void>) | null {
    const attempt = attempts.at(-1 - (who % Math.max(1, attempts.length)));
    if (!attempt || (attempt.entering && !attempt.grip)) return null;
    if (!attempt.entering) {
      attempt.entering = true;
      return () => enter(attempt, during);
    }
    const report = what === "report" ? (attempt.reports += 1) : 0;
    return () => write(attempt, what, report);
  }

  async function happen(event: Event): Promise<void> {
    if (event.kind === "attempt") schedule(event.how);
    else if (event.kind === "act") await act(event)?.();
    else if (event.kind === "reconcile") await reconcile(event.during);
    else if (event.kind === "retry job") await retry();
    else if (event.kind === "cancel job") await cancel();
    else if (event.kind === "terminate") closeRun();
    else if (runs.length > 0) {
      const { generation } = current()!;
      closeRun();
      makeRun(true, generation);
    }
  }

  await startJob(deps, job, 1);
  for (const [index, event] of events.entries()) {
    const late = event.kind === "act" && event.delay > 0 ? act(event) : null;
    if (late) pending.push({ at: index + (event.kind === "act" ? event.delay : 0), run: late });
    else if (!(event.kind === "act" && event.delay > 0)) await happen(event);
    for (const due of pending.filter(({ at }) => at === index)) await due.run();
  }
  for (const due of pending.filter(({ at }) => at >= events.length)) await due.run();
  await mirror.stop();
  await expectSound();

  /** Numbered without gaps; behind a final event nothing but a reopening. */
  async function expectSound(): Promise<void> {
    const told = await ledger(room, job);
    expect(told.map(({ seq }) => seq)).toEqual(told.map((_, index) => index + 1));
    const finals = told.filter(({ kind, data }) => kind === "status" && isFinal(data["status"] as JobStatus));
    for (const { seq } of finals) expect(told[seq]?.data["reopened"] ?? true).toBe(true);
    await query(database.em.fork(), `delete from publish_guards where job_id = $1`, [job]);
  }
}
