/** What happens in the records and in Temporal, with the invariants that hold at each write. */
import type { Rule } from "./rules.ts";
import {
  ACT,
  ACT_NAMES,
  CANCEL,
  createLayout,
  LATE,
  LEDGER,
  RUN,
  SLOT,
  STATUS,
  STATUS_NAMES,
  type Setting,
  type Slot,
  type State,
} from "./state.ts";

/** How a live attempt ends. `rowEnded`: as the row says. */
export type Outcome = "ok" | "fail" | "cancel" | "rowEnded" | "superseded";

export type World = ReturnType<typeof createWorld>;

export function createWorld(setting: Setting, rules: ReadonlySet<Rule>) {
  const layout = createLayout(setting);
  let violation: string | null = null;
  let overflow = 0;

  function violate(what: string): void {
    violation ??= what;
  }

  // -- the records

  /** One event, the final one, or the one that reopens. */
  function event(state: State, job: number, kind: "event" | "final" | "reopening"): void {
    const row = layout.row(state, job);
    if (kind !== "reopening" && row.ledger === LEDGER.final) violate("an event after the final event");
    row.ledger = kind === "final" ? LEDGER.final : LEDGER.open;
  }

  function end(state: State, job: number, status: number): void {
    const row = layout.row(state, job);
    const environment = layout.environmentOf(state, job);
    if (row.status >= STATUS.completed) violate(`a final state overwritten by ${STATUS_NAMES[status]}`);
    if (status === STATUS.completed && row.switched === 0) violate("completed without a switch");
    if (status === STATUS.completed && environment.pointer < row.switched)
      violate("completed before the pointer has its epoch");
    if (status !== STATUS.completed && row.switched > 0) violate(`switched, but ${STATUS_NAMES[status]}`);
    row.status = status;
    row.attemptAt = 0;
    if (status === STATUS.cancelled) row.cancel = CANCEL.compensated;
    if (environment.guard === job + 1) environment.guard = 0;
    event(state, job, "final");
  }

  function bindRun(state: State, job: number, run: number): void {
    const row = layout.row(state, job);
    if (row.run > 0 && run < row.run) violate(`the row goes back from run ${row.run} to the older run ${run}`);
    row.run = run;
  }

  /** The next generation, by adoption. */
  function reopen(state: State, job: number): void {
    const row = layout.row(state, job);
    const environment = layout.environmentOf(state, job);
    const wasFinal = row.status >= STATUS.completed;
    row.generation += 1;
    if (row.generation - 1 > row.reopenings)
      violate(`generation ${row.generation} without a reset or a retry (the row was ${STATUS_NAMES[row.status]})`);
    row.status = STATUS.running;
    row.settledRun = 0;
    // A cancel that was asked for while the job ran is kept: the reset came in between, and the new run has not seen it.
    row.cancel = wasFinal ? CANCEL.none : Math.min(row.cancel, CANCEL.requested);
    if (wasFinal) row.late = LATE.no;
    event(state, job, wasFinal ? "reopening" : "event");
    if (row.switched === 0 && environment.guard === 0) environment.guard = job + 1;
  }

  function isMine(state: State, slot: Slot): boolean {
    const row = layout.row(state, slot.job);
    const same = row.status === STATUS.running && row.run === slot.run && row.generation === slot.generation;
    return same && (!rules.has("attemptFence") || row.attemptAt === slot.attemptAt);
  }

  function checkStepWrite(state: State, slot: Slot): void {
    if (!rules.has("attemptFence") && slot.attemptAt < layout.row(state, slot.job).attemptAt)
      violate(`an attempt of ${ACT_NAMES[slot.act]} that timed out writes after a newer one has entered`);
  }

  /** The revision that a publish of the job sees. */
  function revisionSeen(state: State, job: number): number {
    const version = layout.versionOf(state, job);
    return version.published || version.revision;
  }

  // -- Temporal

  function freeSlot(state: State): number {
    const free = layout.numbers.slots.find((index) => layout.slot(state, index).kind === SLOT.free);
    if (free === undefined) overflow += 1;
    return free ?? -1;
  }

  /** False when there is no room for it. */
  function put(state: State, slot: Partial<Slot> & { kind: number; job: number }): boolean {
    const index = freeSlot(state);
    if (index < 0) return false;
    layout.clearSlot(state, index);
    Object.assign(layout.slot(state, index), slot);
    return true;
  }

  function schedule(state: State, job: number, run: number, act: number): boolean {
    const attempts = layout.numbers.slots
      .map((index) => layout.slot(state, index))
      .filter((slot) => slot.kind === SLOT.attempt && slot.job === job);
    const latest = Math.max(layout.row(state, job).attemptAt, ...attempts.map(({ attemptAt }) => attemptAt));
    const { revision } = layout.run(state, job, run);
    const attempt = { kind: SLOT.attempt, job, run, act, live: 1, attemptAt: latest + 1, revision };
    if (!put(state, attempt)) return false;
    layout.run(state, job, run).activity = act;
    return true;
  }

  function stopLiveAttempt(state: State, job: number): void {
    const live = layout.numbers.slots
      .map((index) => layout.slot(state, index))
      .find((slot) => slot.kind === SLOT.attempt && slot.job === job && slot.live === 1);
    if (live) live.live = 0;
  }

  /** False when there is no room for it. */
  function newRun(
    state: State,
    job: number,
    run: { root: number; reset: boolean; segment: number; act: number; revision: number; cancelled: boolean },
  ): boolean {
    const row = layout.row(state, job);
    const number = row.current + 1;
    if (number > setting.maxRuns) {
      overflow += 1;
      return false;
    }
    if (row.current > 0)
      Object.assign(layout.run(state, job, row.current), { activity: 0, cancelled: 0, revision: 0, ending: 0 });
    row.current = number;
    const { root, revision, segment } = run;
    const begun = {
      status: RUN.open,
      reset: Number(run.reset),
      root,
      segment,
      revision,
      cancelled: Number(run.cancelled),
    };
    Object.assign(layout.run(state, job, number), begun);
    return schedule(state, job, number, run.act);
  }

  /** A call that starts generation `generation` arrives. Null when there is no room. */
  function landStart(state: State, job: number, generation: number): "started" | "already_started" | null {
    const row = layout.row(state, job);
    if (row.current > 0) {
      const current = layout.run(state, job, row.current);
      if (generation === 1 || current.status === RUN.open) return "already_started";
      // Temporal knows the request by its id.
      if (current.reset === 0 && current.root === generation) return "already_started";
    }
    const carried = generation > 1 && row.carried === 1;
    const revision = generation > 1 ? row.revision : 0;
    const act = carried ? ACT.mark : ACT.validate;
    return newRun(state, job, { root: generation, reset: false, segment: 0, act, revision, cancelled: false })
      ? "started"
      : null;
  }

  function closeRun(state: State, job: number, run: number, status: number): void {
    layout.run(state, job, run).status = status;
  }

  const asRow = (status: number): number =>
    status === STATUS.completed ? RUN.completed : status === STATUS.cancelled ? RUN.cancelled : RUN.failed;

  /** A live attempt answers Temporal, and the workflow goes on. False when there is no room for it. */
  function report(state: State, index: number, outcome: Outcome): boolean {
    const slot = { ...pick(layout.slot(state, index)) };
    const { job, run, act } = slot;
    const rowStatus = layout.row(state, job).status;
    layout.clearSlot(state, index);
    if (outcome === "rowEnded" || (outcome === "ok" && act === ACT.settle)) closeRun(state, job, run, asRow(rowStatus));
    else if (outcome === "superseded") closeRun(state, job, run, RUN.failed);
    else if (outcome === "ok" && act === ACT.mark) closeRun(state, job, run, RUN.completed);
    else if (outcome === "ok") {
      if (act === ACT.validate) layout.run(state, job, run).revision = slot.revision;
      return schedule(state, job, run, act === ACT.validate && setting.upload ? ACT.upload : ACT.mark);
    } else {
      layout.run(state, job, run).ending = outcome === "cancel" ? 1 : 2;
      return schedule(state, job, run, ACT.settle);
    }
    return true;
  }

  /** A live attempt of the first step answers, and the run continues as new: another id, the same generation. False: no room. */
  function continueAsNew(state: State, index: number): boolean {
    const { job, run, generation } = layout.slot(state, index);
    const { segment, cancelled } = layout.run(state, job, run);
    layout.clearSlot(state, index);
    closeRun(state, job, run, RUN.completed);
    const next = { root: generation, reset: true, segment: segment + 1, act: ACT.validate, revision: 0 };
    // A cancel that was asked for meanwhile keeps it from continuing.
    return cancelled === 0 && newRun(state, job, { ...next, cancelled: false });
  }

  return {
    continueAsNew,
    ...{ layout, setting, rules, violate, event, end, bindRun, reopen, isMine, checkStepWrite, revisionSeen },
    ...{ put, schedule, stopLiveAttempt, newRun, landStart, closeRun, report },
    takeViolation() {
      const taken = violation;
      violation = null;
      return taken;
    },
    overflow: () => overflow,
  };
}

/** A view's members as they are now. */
function pick({ job, run, act, revision }: Slot): Pick<Slot, "job" | "run" | "act" | "revision"> {
  return { job, run, act, revision };
}
