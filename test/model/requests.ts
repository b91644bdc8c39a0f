/** Calls on their way: a gateway's start, a cancel, a PUT of the pointer that was given up and is written late. */
import { jobName, type Emit } from "./operators.ts";
import { LATE, RUN, STATUS, type State } from "./state.ts";
import type { World } from "./world.ts";

export function startSteps(world: World, state: State, index: number, emit: Emit): void {
  const { layout, rules } = world;
  const { job, generation, pc, run } = layout.slot(state, index);
  const next = state.slice();
  if (pc === 1) {
    const landed = world.landStart(next, job, generation);
    if (landed === null) return;
    if (landed === "already_started" || rules.has("gatewayKeepsRunId")) layout.clearSlot(next, index);
    else Object.assign(layout.slot(next, index), { pc: 2, run: layout.row(next, job).current });
    emit(next, () => `${jobName(job)}: the start of generation ${generation} arrives: ${landed}`, "late");
    return;
  }
  layout.clearSlot(next, index);
  world.bindRun(next, job, run);
  emit(next, () => `${jobName(job)}: the gateway writes run id ${run}`, "late");
}

export function cancelSteps(world: World, state: State, index: number, emit: Emit): void {
  const { layout } = world;
  const { job, run, generation } = layout.slot(state, index);
  const next = state.slice();
  layout.clearSlot(next, index);
  landCancel(world, next, { job, run, generation });
  emit(next, () => `${jobName(job)}: the cancel arrives in Temporal`, "late");
}

/** `run`: 0 names none, and hits the current one. `generation`: the one that was to be cancelled. */
export function landCancel(
  { layout, violate }: World,
  next: State,
  cancel: { job: number; run: number; generation: number },
): void {
  const { current } = layout.row(next, cancel.job);
  if (current === 0 || (cancel.run !== 0 && cancel.run !== current)) return;
  const hit = layout.run(next, cancel.job, current);
  if (hit.status !== RUN.open) return;
  hit.cancelled = 1;
  if (hit.root > cancel.generation) violate(`the cancel of generation ${cancel.generation} hits the retry`);
}

/** The slot's `job` is an environment; it has the epoch in `a`, and in `b` the one that it found. */
export function putSteps(world: World, state: State, index: number, emit: Emit): void {
  const { layout } = world;
  const { job: number, a: epoch, b: found } = layout.slot(state, index);
  const next = state.slice();
  layout.clearSlot(next, index);
  const environment = layout.environment(next, number);
  const written = environment.pointer === found;
  if (written) environment.pointer = epoch;
  emit(next, () => `the late PUT of epoch ${epoch} is ${written ? "written" : "refused"}`, "late");
}

/** The run that is to be cancelled or terminated because of the row, or 0. */
export function runToCancel(world: World, state: State, job: number): number {
  const { layout } = world;
  const row = layout.row(state, job);
  const asked = row.cancel > 0 || row.late === LATE.stopping;
  if (row.status !== STATUS.running || !asked || row.switched > 0 || row.current === 0) return 0;
  const { status, root, segment } = layout.run(state, job, row.current);
  // The row's own, or the one that goes on where it continued as new, and has not entered yet.
  const isItsOwn = row.run === row.current || (root === row.generation && segment > row.segment);
  return isItsOwn && status === RUN.open ? row.current : 0;
}
