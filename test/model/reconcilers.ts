/** Two reconcilers, of which one leads: read the row, describe, act. */
import { jobName, type Emit } from "./operators.ts";
import { landCancel, runToCancel } from "./requests.ts";
import { LATE, RUN, RUN_NAMES, STATUS, STATUS_NAMES, type Reconciler, type State } from "./state.ts";
import type { World } from "./world.ts";

const AT = { idle: 0, describe: 1, act: 2, read: 4, put: 5, finish: 6 } as const;
/** What it decides to do. */
const DO = { nothing: 0, start: 1, adopt: 2, settle: 3, cancel: 4, terminate: 5, expire: 6 } as const;
const DO_NAMES = ["nothing", "start", "adopt", "settle", "cancel", "terminate", "expire"] as const;

/** The line of the protocol's table for a row that was read and a run that was described, each perhaps old by now. */
export function decide(
  world: World,
  row: Pick<Reconciler, "status" | "run" | "generation" | "segment">,
  found: { current: number; status: number; reset: number; root: number; segment: number },
): number {
  const { rules } = world;
  if (found.current === 0) return row.status === STATUS.queued ? DO.start : DO.nothing;
  const open = found.status === RUN.open;
  const continues = found.root === row.generation && found.segment > row.segment && rules.has("decideKnowsSegments");
  const adoptable = (found.reset === 1 && !continues) || !rules.has("onlyResetsAdopt");
  if (row.status === STATUS.queued) {
    if (found.root === row.generation) return open ? DO.nothing : DO.settle;
    if (!open) return DO.start;
    return adoptable && row.run !== found.current ? DO.adopt : DO.nothing;
  }
  if (open) return row.run !== found.current && adoptable ? DO.adopt : DO.nothing;
  return row.status < STATUS.completed ? DO.settle : DO.nothing;
}

export function describeJob(world: World, state: State, job: number) {
  const { current } = world.layout.row(state, job);
  if (current === 0) return { current, status: 0, reset: 0, root: 0, segment: 0 };
  const { status, reset, root, segment } = world.layout.run(state, job, current);
  return { current, status, reset, root, segment };
}

export function reconcilerSteps(world: World, state: State, number: number, emit: Emit): void {
  const { layout, setting } = world;
  const leads = layout.leader(state) === number;
  const { pc } = layout.reconciler(state, number);
  const kind = leads ? "healthy" : "late";
  const step = { world, state, number, say: sayer(emit, kind, `reconciler ${number + 1}`) };
  if (pc === AT.idle && (leads || setting.anyoneReconciles)) readRow(step);
  else if (pc === AT.describe) describe(step);
  else if (pc === AT.act) act(step, emit);
  else if (pc === AT.read || pc === AT.put) project(step);
  else if (pc === AT.finish) finish(step);
}

type Say = (next: State, label: string) => void;

interface Step {
  world: World;
  state: State;
  number: number;
  say: Say;
}

const sayer =
  (emit: Emit, kind: "healthy" | "late", who: string): Say =>
  (next, label) =>
    emit(next, () => `${who}: ${label}`, kind);

function readRow({ world, state, number, say }: Step): void {
  const { layout } = world;
  for (const job of layout.numbers.jobs) {
    const { status, run, generation, segment } = layout.row(state, job);
    if (status === STATUS.none) continue;
    const next = state.slice();
    Object.assign(layout.reconciler(next, number), { pc: AT.describe, job, run, generation, segment, status });
    say(next, `reads the row of ${jobName(job)}: ${STATUS_NAMES[status]}, run ${run}, generation ${generation}`);
  }
}

function describe({ world, state, number, say }: Step): void {
  const { layout } = world;
  const seen = layout.reconciler(state, number);
  const { job } = seen;
  const found = describeJob(world, state, job);
  const todo = decide(world, seen, found);
  const act = (what: number): State => {
    const next = state.slice();
    if (what === DO.nothing) layout.clearReconciler(next, number);
    else
      Object.assign(layout.reconciler(next, number), {
        ...{ pc: AT.act, current: found.current, runStatus: found.status, act: what },
      });
    return next;
  };
  const told = `describes ${jobName(job)}: run ${found.current} ${RUN_NAMES[found.status]}`;
  say(act(todo), `${told}, will do: ${DO_NAMES[todo]}`);
  const { late, switched } = layout.row(state, job);
  const isItsOwn = seen.run === found.current || (found.root === seen.generation && found.segment > seen.segment);
  const runs = seen.status === STATUS.running && found.status === RUN.open && isItsOwn;
  if (late === LATE.over && switched === 0 && (runs || seen.status === STATUS.queued))
    say(act(DO.expire), `${told}, will end it for its deadline`);
  const run = runToCancel(world, state, job);
  if (todo !== DO.nothing || run === 0 || run !== found.current || !isItsOwn) return;
  if (layout.run(state, job, run).cancelled === 0) say(act(DO.cancel), `${told}, sends the cancel again`);
  if (!layout.hasBudget(state, "deadline")) return;
  const terminating = act(DO.terminate);
  layout.spend(terminating, "deadline");
  say(terminating, `${told}, the deadline of its cancel has passed`);
}

function act(step: Step, emit: Emit): void {
  const { world, state, number, say } = step;
  const { layout, rules } = world;
  const seen = layout.reconciler(state, number);
  const { job } = seen;
  const row = layout.row(state, job);
  const next = state.slice();
  layout.clearReconciler(next, number);
  const same = row.run === seen.run && row.generation === seen.generation;

  if (seen.act === DO.start) {
    const landed = world.landStart(next, job, seen.generation);
    if (landed !== null) say(next, `starts ${jobName(job)}, generation ${seen.generation}: ${landed}`);
  } else if (seen.act === DO.cancel) {
    landCancel(world, next, { job, run: rules.has("cancelNamesRun") ? seen.current : 0, generation: seen.generation });
    say(next, `its cancel of run ${seen.current} arrives`);
  } else if (seen.act === DO.terminate) {
    terminate(step, next);
  } else if (seen.act === DO.expire) {
    expire(step, next);
  } else if (seen.act === DO.adopt) {
    if (rules.has("adoptCompares") && !same) return say(next, "adopt: the row has changed since");
    world.bindRun(next, job, seen.current);
    world.reopen(next, job);
    Object.assign(layout.row(next, job), { attemptAt: 0, segment: layout.run(state, job, seen.current).segment });
    say(next, `adopts run ${seen.current} of ${jobName(job)}`);
  } else if (row.status >= STATUS.completed || (rules.has("settleCompares") && !same)) {
    say(next, "settle: the row has changed since");
  } else if (row.switched > 0) {
    const projecting = state.slice();
    Object.assign(layout.reconciler(projecting, number), { pc: AT.read, epoch: row.switched });
    say(projecting, `settle: ${jobName(job)} has switched, projects`);
  } else {
    const stopped = seen.runStatus === RUN.cancelled || seen.runStatus === RUN.terminated;
    const cancelled = stopped && row.late !== LATE.stopping;
    if (rules.has("settleBinds")) bind(world, next, job, seen.current);
    layout.row(next, job).settledRun = seen.current;
    world.end(next, job, cancelled ? STATUS.cancelled : STATUS.failed);
    emit(next, () => `reconciler ${number + 1}: settles ${jobName(job)}`, "healthy");
  }
}

/** The row is of the run that has ended from now on, so that only a later reset reopens the job. */
function bind(world: World, next: State, job: number, run: number): void {
  world.bindRun(next, job, run);
  if (world.rules.has("settleBindsSegment"))
    world.layout.row(next, job).segment = world.layout.run(next, job, run).segment;
}

function terminate({ world, state, number, say }: Step, next: State): void {
  const { layout, rules } = world;
  const { job, current: seenRun, generation } = layout.reconciler(state, number);
  const { current } = layout.row(state, job);
  const run = layout.run(next, job, current);
  const named = !rules.has("terminateNamesRun") || current === seenRun;
  if (named && run.status === RUN.open) {
    if (current !== seenRun || run.root > generation)
      world.violate("the deadline of an earlier run's cancel terminates a later run");
    world.closeRun(next, job, current, RUN.terminated);
    world.stopLiveAttempt(next, job);
  }
  say(next, `terminates run ${seenRun} of ${jobName(job)}`);
}

/** In the row alone; the cancel of a running job is sent by a look that comes after. */
function expire({ world, state, number, say }: Step, next: State): void {
  const { layout, rules } = world;
  const { job, status, run, generation } = layout.reconciler(state, number);
  const row = layout.row(state, job);
  const same = row.status === status && row.run === run && row.generation === generation;
  const late = row.late === LATE.over && row.switched === 0;
  if (rules.has("expireLooksAgain") && !(same && late)) return say(next, "expire: the row has changed since");
  if (!late) world.violate("a job is ended for a deadline that is over, or that it has kept");
  if (status === STATUS.queued) world.end(next, job, STATUS.failed);
  else {
    layout.row(next, job).late = LATE.stopping;
    world.event(next, job, "event");
  }
  say(next, `ends ${jobName(job)} for its deadline`);
}

function project({ world, state, number, say }: Step): void {
  const { layout } = world;
  const { pc, job, epoch, read } = layout.reconciler(state, number);
  const { pointer } = layout.environmentOf(state, job);
  const next = state.slice();
  const there = pc === AT.read ? pointer >= epoch : pointer === read;
  if (pc === AT.put && there) layout.environmentOf(next, job).pointer = epoch;
  const at = there ? AT.finish : pc === AT.read ? AT.put : AT.read;
  Object.assign(layout.reconciler(next, number), { pc: at, read: at === AT.put ? pointer : 0 });
  say(next, pc === AT.read ? `reads the pointer, epoch ${pointer}` : `PUT of epoch ${epoch}`);
}

function finish({ world, state, number, say }: Step): void {
  const { layout, rules } = world;
  const seen = layout.reconciler(state, number);
  const { job } = seen;
  const row = layout.row(state, job);
  const next = state.slice();
  layout.clearReconciler(next, number);
  const same = row.run === seen.run && row.generation === seen.generation;
  if (row.status >= STATUS.completed || (rules.has("settleCompares") && !same))
    return say(next, "its final write is refused");
  if (rules.has("settleBinds")) bind(world, next, job, seen.current);
  layout.row(next, job).settledRun = seen.current;
  world.end(next, job, STATUS.completed);
  return say(next, `settles ${jobName(job)}: completed`);
}
