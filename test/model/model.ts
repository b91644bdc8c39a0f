/** The model: every step that is possible in a state, and what must hold. */
import { attemptSteps } from "./attempts.ts";
import { jobName, operatorSteps, type Emit } from "./operators.ts";
import { decide, describeJob, reconcilerSteps } from "./reconcilers.ts";
import { cancelSteps, putSteps, startSteps } from "./requests.ts";
import { ALL_RULES, type Rule } from "./rules.ts";
import { CANCEL, LEDGER, RUN, RUN_NAMES, SLOT, STATUS, STATUS_NAMES, type Setting, type State } from "./state.ts";
import { createWorld, type World } from "./world.ts";

export type Model = ReturnType<typeof createModel>;

/** `without`: rules that are left out. */
export function createModel(setting: Setting, without: readonly Rule[] = []) {
  const world = createWorld(setting, new Set(ALL_RULES.filter((rule) => !without.includes(rule))));
  const { layout } = world;
  const steps: Record<number, typeof attemptSteps> = {
    ...{ [SLOT.attempt]: attemptSteps, [SLOT.start]: startSteps, [SLOT.cancel]: cancelSteps, [SLOT.put]: putSteps },
  };
  return {
    size: layout.size,
    initial: () => layout.initial(),
    successors(state: State, told: Emit): void {
      const emit: Emit = (next, label, kind) => {
        layout.normalise(next);
        told(next, label, kind);
      };
      operatorSteps(world, state, emit);
      for (const index of layout.numbers.slots) {
        const { kind } = layout.slot(state, index);
        // Two that are alike lead to the same states.
        if (kind !== SLOT.free && !isTwin(world, state, index)) steps[kind]?.(world, state, index, emit);
      }
      for (const number of layout.reconcilers) reconcilerSteps(world, state, number, emit);
    },
    takeViolation: () => world.takeViolation(),
    /** What is wrong with a state by itself, or null. */
    fault: (state: State) => stateFault(world, state),
    /** Nothing healthy is left to do; zombies and calls on their way may be. */
    isAtRest: (state: State) => isAtRest(world, state),
    faultAtRest: (state: State) => faultAtRest(world, state),
    show: (state: State) => show(world, state),
    overflow: () => world.overflow(),
  };
}

function isTwin({ layout }: World, state: State, index: number): boolean {
  if (index === 0 || layout.slot(state, index).kind === SLOT.attempt) return false;
  const [a, b] = [layout.slotAt(index - 1), layout.slotAt(index)];
  for (let at = 0; at < layout.slotSize; at++) if (state[a + at] !== state[b + at]) return false;
  return true;
}

function stateFault({ layout, setting }: World, state: State): string | null {
  for (let number = 0; number < setting.environments; number++) {
    const { guard, pointer, epoch } = layout.environment(state, number);
    if (guard > 0 && layout.row(state, guard - 1).status > STATUS.running) return "a closed job holds the guard";
    if (pointer > epoch) return "the pointer is ahead of the records";
  }
  for (const job of layout.numbers.jobs) {
    const { cancel, status } = layout.row(state, job);
    if ((cancel === CANCEL.compensated) !== (status === STATUS.cancelled))
      return `${jobName(job)} is ${STATUS_NAMES[status]}, and its cancellation is ${cancel === CANCEL.compensated ? "" : "not "}compensated`;
  }
  return null;
}

function isAtRest(world: World, state: State): boolean {
  const { layout } = world;
  for (const job of layout.numbers.jobs) {
    const row = layout.row(state, job);
    if (row.status === STATUS.none) continue;
    const found = describeJob(world, state, job);
    if (found.status === RUN.open || decide(world, row, found) !== 0) return false;
  }
  return layout.reconciler(state, layout.leader(state)).pc === 0;
}

function faultAtRest({ layout, setting }: World, state: State): string | null {
  for (const job of layout.numbers.jobs) {
    const { status, switched, ledger } = layout.row(state, job);
    if (status === STATUS.none) continue;
    if (status < STATUS.completed) return `at rest, and ${jobName(job)} is ${STATUS_NAMES[status]}`;
    if ((status === STATUS.completed) !== switched > 0) return `${jobName(job)} is completed or has switched, not both`;
    if (ledger !== LEDGER.final) return `${jobName(job)} has no final event`;
  }
  for (let number = 0; number < setting.environments; number++) {
    const { guard, pointer, epoch } = layout.environment(state, number);
    if (guard > 0) return "a closed job holds the guard";
    if (pointer !== epoch) return `the pointer has epoch ${pointer}, the records ${epoch}`;
  }
  return null;
}

function show({ layout, setting }: World, state: State): string {
  const jobs = layout.numbers.jobs.map((job) => {
    const row = layout.row(state, job);
    const found = row.current > 0 ? RUN_NAMES[layout.run(state, job, row.current).status] : "no run";
    return `${jobName(job)}: ${STATUS_NAMES[row.status]}, run ${row.run}, generation ${row.generation}, switched ${row.switched}; Temporal: run ${row.current} ${found}`;
  });
  const environments = Array.from({ length: setting.environments }, (_, number) => {
    const { guard, epoch, pointer } = layout.environment(state, number);
    return `environment ${number + 1}: guard ${guard}, epoch ${epoch}, pointer ${pointer}`;
  });
  return [...jobs, ...environments].join(" | ");
}
