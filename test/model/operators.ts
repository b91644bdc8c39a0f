/** What clients, operators and bad luck do: each costs one of the budget. */
import { ACT, CANCEL, LATE, RUN, SLOT, STATUS, STATUS_NAMES, type State } from "./state.ts";
import type { World } from "./world.ts";

/** `healthy` steps alone must lead to rest; `late` ones are zombies', dead gateways', orphaned calls'. */
export type StepClass = "healthy" | "late" | "fault";

export type Emit = (next: State, label: () => string, kind: StepClass) => void;

export const jobName = (job: number): string => `job ${job + 1}`;

export function operatorSteps(world: World, state: State, emit: Emit): void {
  const { layout } = world;
  for (const job of layout.numbers.jobs) {
    if (layout.row(state, job).status === STATUS.none) post(world, state, job, emit);
    else {
      inTemporal(world, state, job, emit);
      requests(world, state, job, emit);
    }
  }
  for (let number = 0; number < world.setting.versions; number++) {
    const { published, revision } = layout.version(state, number);
    if (published > 0 || revision >= 3 || !layout.hasBudget(state, "edit")) continue;
    const next = state.slice();
    layout.spend(next, "edit");
    layout.version(next, number).revision += 1;
    emit(next, () => `draft ${number + 1} is edited: revision ${revision + 1}`, "fault");
  }
  if (layout.hasBudget(state, "lease")) {
    const next = state.slice();
    layout.spend(next, "lease");
    layout.passLease(next);
    emit(next, () => `reconciler ${layout.leader(state) + 1} freezes, its lease expires, the other leads`, "fault");
  }
}

function post(world: World, state: State, job: number, emit: Emit): void {
  const { layout, setting } = world;
  if (layout.environmentOf(state, job).guard > 0) return;
  if (setting.ordered && job > 0 && layout.row(state, job - 1).status === STATUS.none) return;
  const next = state.slice();
  if (!world.put(next, { kind: SLOT.start, job, generation: 1, pc: 1 })) return;
  Object.assign(layout.row(next, job), { status: STATUS.queued, generation: 1 });
  layout.environmentOf(next, job).guard = job + 1;
  world.event(next, job, "event");
  emit(next, () => `${jobName(job)}: POST inserts the row, queued, with the guard`, "fault");
}

function inTemporal(world: World, state: State, job: number, emit: Emit): void {
  const { layout } = world;
  const { current } = layout.row(state, job);
  if (current === 0) return;
  const run = layout.run(state, job, current);
  if (run.status === RUN.open && layout.hasBudget(state, "terminate")) {
    const next = state.slice();
    layout.spend(next, "terminate");
    world.closeRun(next, job, current, RUN.terminated);
    world.stopLiveAttempt(next, job);
    emit(next, () => `${jobName(job)}: an operator terminates run ${current}`, "fault");
  }
  if (run.status === RUN.open && run.cancelled === 0 && layout.hasBudget(state, "uiCancel")) {
    const next = state.slice();
    layout.spend(next, "uiCancel");
    layout.run(next, job, current).cancelled = 1;
    emit(next, () => `${jobName(job)}: an operator cancels run ${current} in Temporal`, "fault");
  }
  for (const fault of ["resetFirst", "resetSwitch"] as const) {
    if (!layout.hasBudget(state, fault) || (fault === "resetSwitch" && run.revision === 0)) continue;
    // The cancel request is applied again, or excluded.
    const asked = run.cancelled ? [false, true] : [false];
    // The run before it in a chain that continued as new can be reset, too.
    const segments = run.segment > 0 && fault === "resetFirst" ? [run.segment, run.segment - 1] : [run.segment];
    for (const [cancelled, segment] of asked.flatMap((each) => segments.map((one) => [each, one] as const))) {
      const next = state.slice();
      const first = fault === "resetFirst";
      layout.spend(next, fault);
      layout.row(next, job).reopenings += 1;
      world.stopLiveAttempt(next, job);
      if (run.status === RUN.open) world.closeRun(next, job, current, RUN.terminated);
      const to = { act: first ? ACT.validate : ACT.mark, revision: first ? 0 : run.revision };
      if (!world.newRun(next, job, { root: run.root, reset: true, segment, cancelled, ...to })) continue;
      const where = `${first ? "the first task" : "before the switch"}${segment < run.segment ? " of the one before" : ""}`;
      emit(next, () => `${jobName(job)}: an operator resets run ${current} to ${where}: run ${current + 1}`, "fault");
    }
  }
}

function requests(world: World, state: State, job: number, emit: Emit): void {
  const { layout, rules } = world;
  const row = layout.row(state, job);
  const cancellable = row.status === STATUS.queued || (row.status === STATUS.running && row.switched === 0);
  if (cancellable && layout.hasBudget(state, "cancel")) {
    const next = state.slice();
    layout.spend(next, "cancel");
    if (row.status === STATUS.queued) world.end(next, job, STATUS.cancelled);
    else {
      const changed = layout.row(next, job);
      changed.cancel = Math.max(changed.cancel, CANCEL.requested);
      const run = rules.has("cancelNamesRun") ? row.run : 0;
      world.put(next, { kind: SLOT.cancel, job, run, generation: row.generation });
    }
    emit(next, () => `${jobName(job)}: API cancel of a ${STATUS_NAMES[row.status]} job`, "fault");
  }
  const open = row.status === STATUS.queued || row.status === STATUS.running;
  // A cancel that was asked for before keeps its word.
  if (open && row.late === LATE.no && row.cancel === CANCEL.none && layout.hasBudget(state, "late")) {
    const next = state.slice();
    layout.spend(next, "late");
    layout.row(next, job).late = LATE.over;
    emit(next, () => `${jobName(job)}: its deadline passes`, "fault");
  }
  const retryable = row.status === STATUS.failed || row.status === STATUS.cancelled;
  if (!retryable || layout.environmentOf(state, job).guard > 0 || !layout.hasBudget(state, "retry")) return;
  for (const carried of world.setting.carry && row.revision > 0 ? [0, 1] : [0]) {
    const next = state.slice();
    layout.spend(next, "retry");
    const reopened = layout.row(next, job);
    reopened.reopenings += 1;
    reopened.generation += 1;
    Object.assign(reopened, { status: STATUS.queued, attemptAt: 0, cancel: CANCEL.none, late: LATE.no, carried });
    if (!rules.has("retryKeepsRun")) reopened.run = 0;
    world.event(next, job, "reopening");
    layout.environmentOf(next, job).guard = job + 1;
    if (!world.put(next, { kind: SLOT.start, job, generation: reopened.generation, pc: 1 })) continue;
    const what = carried ? ", from the switch" : "";
    emit(next, () => `${jobName(job)}: API retry${what}, generation ${row.generation + 1}`, "fault");
  }
}
