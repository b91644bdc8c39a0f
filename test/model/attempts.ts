/** What an activity attempt does, transaction by transaction: enter, adopt, work, switch, project, finish, settle. */
import { jobName, type Emit, type StepClass } from "./operators.ts";
import { ACT, ACT_NAMES, CANCEL, LATE, RUN, RUN_NAMES, SLOT, STATUS, STATUS_NAMES, type State } from "./state.ts";
import type { Outcome, World } from "./world.ts";

/** Where an attempt is. */
const AT = { enter: 0, describe: 1, adopt: 2, work: 3, read: 4, put: 5, finish: 6, report: 8 } as const;

/** One attempt in one state, and what it needs to make the next. */
interface Step {
  world: World;
  state: State;
  index: number;
  emit: Emit;
  kind: StepClass;
  who: () => string;
}

export function attemptSteps(world: World, state: State, index: number, emit: Emit): void {
  const { layout } = world;
  const slot = layout.slot(state, index);
  const { job, run, act, live, pc } = slot;
  const who = (): string => `${jobName(job)} run ${run} ${ACT_NAMES[act]}${live ? "" : " (zombie)"}`;
  const step: Step = { world, state, index, emit, kind: live ? "healthy" : "late", who };
  if (live) interruptions(step);
  acknowledge(step);
  if (pc === AT.enter) enter(step);
  else if (pc === AT.describe) describe(step);
  else if (pc === AT.adopt) adopt(step);
  else if (pc === AT.work) work(step);
  else if (pc === AT.read) readPointer(step);
  else if (pc === AT.put) putPointer(step);
  else if (pc === AT.finish) finish(step);
  else {
    continueAsNew(step);
    report(step, state.slice(), "ok", "completes");
  }
}

/** A live attempt answers the workflow; a zombie's answer reaches nobody. */
function report({ world, index, emit, kind, who, state }: Step, next: State, outcome: Outcome, label: string): void {
  const { live } = world.layout.slot(state, index);
  if (!live) world.layout.clearSlot(next, index);
  else if (!world.report(next, index, outcome)) return;
  emit(next, () => `${who()}: ${label}`, kind);
}

/** Its answer is the last that the run takes: the next one of the chain goes on. */
function continueAsNew({ world, index, emit, who, state }: Step): void {
  const { layout } = world;
  const { act, live } = layout.slot(state, index);
  if (act !== ACT.validate || !live || !layout.hasBudget(state, "continue")) return;
  const next = state.slice();
  layout.spend(next, "continue");
  if (world.continueAsNew(next, index)) emit(next, () => `${who()}: completes, and the run continues as new`, "fault");
}

/** Refused: a live attempt enters again, a zombie stops. */
function refused({ world, index, emit, kind, who, state }: Step, next: State, label: string): void {
  const slot = world.layout.slot(next, index);
  if (world.layout.slot(state, index).live) Object.assign(slot, { pc: AT.enter, a: 0, b: 0, c: 0 });
  else world.layout.clearSlot(next, index);
  emit(next, () => `${who()}: ${label}`, kind);
}

function go({ emit, kind, who }: Step, next: State, label: string): void {
  emit(next, () => `${who()}: ${label}`, kind);
}

function interruptions({ world, state, index, emit, who }: Step): void {
  const { layout } = world;
  const { job, run, act, pc } = layout.slot(state, index);
  const { cancelled } = layout.run(state, job, run);
  const settles = act === ACT.settle;
  // With a cancel requested, an attempt that loses its heartbeat is not retried.
  if (layout.hasBudget(state, "timeout") && (cancelled === 0 || settles)) {
    const next = state.slice();
    layout.slot(next, index).live = 0;
    layout.spend(next, "timeout");
    if (world.schedule(next, job, run, act))
      emit(next, () => `${who()}: its heartbeat is lost, it lives on as a zombie, and another attempt begins`, "fault");
  }
  if (settles) return;
  if (layout.hasBudget(state, "exhaust")) {
    const next = state.slice();
    layout.slot(next, index).live = 0;
    layout.spend(next, "exhaust");
    layout.run(next, job, run).ending = 2;
    if (world.schedule(next, job, run, ACT.settle))
      emit(next, () => `${who()}: its heartbeat is lost, no attempt is left, and settle begins`, "fault");
  }
  if (cancelled === 1 && pc <= AT.put) {
    const next = state.slice();
    if (world.report(next, index, "cancel")) emit(next, () => `${who()}: the cancel reaches it, it stops`, "healthy");
  }
}

/** An attempt that sees the cancel says so in the row, live or not; it goes on until it stops. */
function acknowledge(step: Step): void {
  const { world, state, index } = step;
  const { layout, rules } = world;
  const slot = layout.slot(state, index);
  const row = layout.row(state, slot.job);
  const entered = slot.pc >= AT.work && slot.pc <= AT.put && slot.act !== ACT.settle;
  if (!entered || row.cancel !== CANCEL.requested || row.status !== STATUS.running) return;
  const mine = world.isMine(state, slot);
  if (rules.has("acknowledgeFenced") ? !mine : false) return;
  if (slot.live && layout.run(state, slot.job, slot.run).cancelled === 0) return;
  const next = state.slice();
  if (row.run !== slot.run || row.generation !== slot.generation)
    world.violate("the attempt of another run acknowledges the cancel");
  layout.row(next, slot.job).cancel = CANCEL.acknowledged;
  go(step, next, "acknowledges the cancel");
}

function enter(step: Step): void {
  const { world, state, index } = step;
  const { layout, rules } = world;
  const slot = layout.slot(state, index);
  const { job, run, act, attemptAt, live } = slot;
  const row = layout.row(state, job);
  const { reset, root, segment } = layout.run(state, job, run);
  const next = state.slice();
  const changed = layout.row(next, job);

  const claims = row.status === STATUS.queued && (!rules.has("claimDemandsGeneration") || root === row.generation);
  const claimable = claims && (rules.has("retryKeepsRun") || row.run === 0 || row.run === run);
  const ownStart = rules.has("retryKeepsRun") ? !reset && root === row.generation : row.run === 0;
  if (row.status === STATUS.cancelled && (row.run === run || ownStart))
    return report(step, next, "rowEnded", "the row is cancelled, the workflow ends");
  if (claimable) {
    world.bindRun(next, job, run);
    Object.assign(changed, { status: STATUS.running, attemptAt, segment });
    Object.assign(layout.slot(next, index), { generation: row.generation, pc: AT.work });
    world.event(next, job, "event");
    return go(step, next, "claims the queued row");
  }
  if (row.run === run) {
    if (row.status === STATUS.queued)
      return report(step, next, "superseded", `the row waits for the run of generation ${row.generation}, it ends`);
    if (row.status !== STATUS.running)
      return report(step, next, act === ACT.settle ? "ok" : "rowEnded", `the row is ${STATUS_NAMES[row.status]}`);
    if (rules.has("attemptFence") && attemptAt < row.attemptAt) {
      if (live) world.violate("the live attempt is refused by the fence");
      layout.clearSlot(next, index);
      return go(step, next, "a newer attempt has entered, it stops");
    }
    world.checkStepWrite(state, slot);
    changed.attemptAt = Math.max(attemptAt, row.attemptAt);
    Object.assign(layout.slot(next, index), { generation: row.generation, pc: AT.work });
    world.event(next, job, "event");
    return go(step, next, "enters");
  }
  if (reset && segment > row.segment && (!rules.has("takeoverDemandsGeneration") || root === row.generation)) {
    const isCurrent = row.current === run && layout.run(state, job, run).status === RUN.open;
    if (row.status >= STATUS.completed) {
      if (live && isCurrent)
        world.violate("a live run that an operator has reset finds the row ended, and reopens nothing");
      return report(step, next, "rowEnded", `the row is ${STATUS_NAMES[row.status]}`);
    }
    if (row.status === STATUS.running && segment === row.segment + 1) {
      world.bindRun(next, job, run);
      Object.assign(changed, { attemptAt, segment });
      Object.assign(layout.slot(next, index), { generation: row.generation, pc: AT.work });
      return go(step, next, "takes the row over from the run that it continues");
    }
  }
  if (rules.has("onlyResetsAdopt") && !reset && row.status !== STATUS.running)
    return report(step, next, "superseded", `the row is run ${row.run}'s, it ends without a write`);
  Object.assign(layout.slot(next, index), { a: row.run, b: row.generation, pc: AT.describe });
  return go(step, next, `the row is run ${row.run}'s and ${STATUS_NAMES[row.status]}`);
}

function describe(step: Step): void {
  const { world, state, index } = step;
  const { layout, rules } = world;
  const { job, run, live } = layout.slot(state, index);
  const { current } = layout.row(state, job);
  const { status } = layout.run(state, job, run);
  const adopts = current === run && (!rules.has("adoptDemandsOpen") || status === RUN.open);
  if (adopts && status !== RUN.open) world.violate("an attempt of a closed run goes on to adopt");
  const next = state.slice();
  if (adopts) Object.assign(layout.slot(next, index), { pc: AT.adopt, c: 1 });
  else if (live) layout.slot(next, index).pc = AT.enter;
  else layout.clearSlot(next, index);
  go(step, next, `describes: run ${current} is current, ${RUN_NAMES[layout.run(state, job, current).status]}`);
}

function adopt(step: Step): void {
  const { world, state, index } = step;
  const { layout, rules } = world;
  const { job, run, act, attemptAt, a: seenRun, b: seenGeneration } = layout.slot(state, index);
  const row = layout.row(state, job);
  const next = state.slice();
  const slot = layout.slot(next, index);
  if (rules.has("adoptCompares") && (row.run !== seenRun || row.generation !== seenGeneration)) {
    Object.assign(slot, { pc: AT.enter, a: 0, b: 0, c: 0 });
    return go(step, next, "the row has changed since, it enters again");
  }
  if (row.status >= STATUS.completed && row.settledRun === run)
    world.violate("an attempt of a closed run that the reconciler has settled reopens the job");
  world.bindRun(next, job, run);
  if (layout.run(state, job, run).reset || row.status !== STATUS.running) world.reopen(next, job);
  const adopted = layout.row(next, job);
  Object.assign(adopted, { attemptAt, segment: layout.run(state, job, run).segment });
  Object.assign(slot, { generation: adopted.generation, a: 0, b: 0, c: 0, pc: AT.work });
  if (act !== ACT.settle && adopted.switched === 0 && layout.environmentOf(next, job).guard !== job + 1)
    return report(step, next, "fail", "adopts, and has lost the guard");
  return go(step, next, `adopts the ${STATUS_NAMES[row.status]} row, generation ${adopted.generation}`);
}

function work(step: Step): void {
  const { world, state, index } = step;
  const { layout } = world;
  const slot = layout.slot(state, index);
  const { job, act, revision } = slot;
  const row = layout.row(state, job);
  const next = state.slice();
  if (!world.isMine(state, slot)) return refused(step, next, "refused by the fence");
  const seen = world.revisionSeen(state, job);
  if (act === ACT.validate || act === ACT.upload) {
    if (act === ACT.upload && seen !== revision) return report(step, next, "fail", "version_changed");
    world.checkStepWrite(state, slot);
    if (act === ACT.validate) {
      layout.slot(next, index).revision = seen;
      layout.row(next, job).revision = seen;
    }
    world.event(next, job, "event");
    layout.slot(next, index).pc = AT.report;
    return go(step, next, act === ACT.validate ? `validates revision ${seen}` : "uploads");
  }
  if (act === ACT.mark) return switchRelease(step, next, seen);
  if (row.switched > 0) {
    Object.assign(layout.slot(next, index), { a: row.switched, pc: AT.read });
    return go(step, next, "settles: has switched, projects");
  }
  const cancelled = layout.run(state, job, slot.run).ending === 1 && row.late !== LATE.stopping;
  const status = cancelled ? STATUS.cancelled : STATUS.failed;
  world.end(next, job, status);
  layout.slot(next, index).pc = AT.report;
  return go(step, next, `settles: ${STATUS_NAMES[status]}`);
}

function switchRelease(step: Step, next: State, seen: number): void {
  const { world, state, index } = step;
  const { layout } = world;
  const { job, revision } = layout.slot(state, index);
  const row = layout.row(state, job);
  if (row.switched > 0) {
    Object.assign(layout.slot(next, index), { a: row.switched, pc: AT.read });
    return go(step, next, `has switched already, epoch ${row.switched}`);
  }
  if (layout.environmentOf(state, job).guard !== job + 1) return report(step, next, "fail", "guard_lost");
  if (seen !== revision) return report(step, next, "fail", "version_changed");
  const version = layout.versionOf(next, job);
  if (version.published > 0 && version.published !== revision) world.violate("two releases of one version");
  if (version.revision !== revision) world.violate("the published content is not the draft's");
  version.published = revision;
  const environment = layout.environmentOf(next, job);
  environment.epoch += 1;
  layout.row(next, job).switched = environment.epoch;
  Object.assign(layout.slot(next, index), { a: environment.epoch, pc: AT.read });
  return go(step, next, `SWITCHES, epoch ${environment.epoch}`);
}

function readPointer(step: Step): void {
  const { world, state, index } = step;
  const { job, a: epoch } = world.layout.slot(state, index);
  const { pointer } = world.layout.environmentOf(state, job);
  const next = state.slice();
  const there = pointer >= epoch;
  Object.assign(world.layout.slot(next, index), there ? { pc: AT.finish, a: 0, b: 0 } : { pc: AT.put, b: pointer });
  go(step, next, `reads the pointer, epoch ${pointer}`);
}

function putPointer(step: Step): void {
  const { world, state, index } = step;
  const { layout } = world;
  const { job, a: epoch, b: found } = layout.slot(state, index);
  const { pointer } = layout.environmentOf(state, job);
  const next = state.slice();
  const written = pointer === found;
  if (written && epoch <= pointer) world.violate("the pointer goes backwards");
  if (written) layout.environmentOf(next, job).pointer = epoch;
  Object.assign(layout.slot(next, index), written ? { pc: AT.finish, a: 0, b: 0 } : { pc: AT.read, b: 0 });
  go(step, next, `PUT of epoch ${epoch} ${written ? "written" : "refused"}`);
  if (!layout.hasBudget(state, "putTimeout")) return;
  const late = state.slice();
  layout.spend(late, "putTimeout");
  const environment = world.setting.jobs[job]?.environment ?? 0;
  if (!world.put(late, { kind: SLOT.put, job: environment, a: epoch, b: found })) return;
  Object.assign(layout.slot(late, index), { pc: AT.read, b: 0 });
  step.emit(late, () => `${step.who()}: its PUT times out and is still on its way`, "fault");
}

function finish(step: Step): void {
  const { world, state, index } = step;
  const { layout } = world;
  const slot = layout.slot(state, index);
  const row = layout.row(state, slot.job);
  const next = state.slice();
  if (world.isMine(state, slot)) world.end(next, slot.job, STATUS.completed);
  else if (row.run !== slot.run || row.generation !== slot.generation || row.status < STATUS.completed)
    return refused(step, next, "its final write is refused");
  layout.slot(next, index).pc = AT.report;
  return go(step, next, "the row is completed");
}
