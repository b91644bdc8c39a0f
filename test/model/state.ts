/**
 * The state of the model: one array of bytes, so that millions of them can be kept and compared, read and written through views.
 *
 *   budgets · lease · per environment · per version · per job its row and its runs · reconcilers · slots
 *
 * A slot is something under way: an activity attempt, a start, a cancel or a PUT on its way.
 */

export type State = Uint8Array;

/** Names of bytes that lie side by side. */
type View<Names extends readonly string[]> = { -readonly [Name in Names[number]]: number };

function defineView<const Names extends readonly string[]>(names: Names) {
  class Bytes {
    readonly state: State;
    readonly at: number;
    constructor(state: State, at: number) {
      this.state = state;
      this.at = at;
    }
  }
  names.forEach((name, offset) =>
    Object.defineProperty(Bytes.prototype, name, {
      get(this: Bytes) {
        return this.state[this.at + offset];
      },
      set(this: Bytes, value: number) {
        this.state[this.at + offset] = value;
      },
    }),
  );
  return { size: names.length, of: (state: State, at: number) => new Bytes(state, at) as unknown as View<Names> };
}

/** What can be spent: each fault and each request, and how many of them in all. */
export const FAULTS = [
  "timeout",
  "exhaust",
  "terminate",
  "resetFirst",
  "resetSwitch",
  "cancel",
  "uiCancel",
  "retry",
  "lease",
  "edit",
  "putTimeout",
  "deadline",
  "late",
  "continue",
] as const;
export type Fault = (typeof FAULTS)[number];

/** `jobs.status`; 0 is no row. */
export const STATUS = { none: 0, queued: 1, running: 2, completed: 3, failed: 4, cancelled: 5 } as const;
export const STATUS_NAMES = ["-", "queued", "running", "completed", "failed", "cancelled"] as const;
/** A run's state in Temporal; 0 is no run. */
export const RUN = { none: 0, open: 1, completed: 2, failed: 3, cancelled: 4, terminated: 5 } as const;
export const RUN_NAMES = ["-", "open", "completed", "failed", "cancelled", "terminated"] as const;
/** Activities, as far as they differ for the protocol. `carried` runs of a retry begin at the switch. */
export const ACT = { validate: 0, upload: 1, mark: 2, settle: 3 } as const;
export const ACT_NAMES = ["validate", "upload", "mark", "settle"] as const;
export const SLOT = { free: 0, attempt: 1, start: 2, cancel: 3, put: 4 } as const;
/** The receipt of a cancellation in the row. */
export const CANCEL = { none: 0, requested: 1, acknowledged: 2, compensated: 3 } as const;
/** The job's own deadline: `over`, and then `stopping`, which the row of a running job says. */
export const LATE = { no: 0, over: 1, stopping: 2 } as const;
/** What the ledger ends with. */
export const LEDGER = { empty: 0, open: 1, final: 2 } as const;

const environmentView = defineView(["guard", "epoch", "pointer"]);
const versionView = defineView(["revision", "published"]);
const rowView = defineView([
  ...([
    "status",
    "run",
    "generation",
    "switched",
    "revision",
    "attemptAt",
    "ledger",
    "cancel",
    "carried",
    "late",
  ] as const),
  // For the invariants and for Temporal: how often it may have been reopened, its current run, the closed run that was settled.
  ...(["reopenings", "current", "settledRun", "segment"] as const),
]);
const runView = defineView(["status", "reset", "root", "segment", "activity", "cancelled", "revision", "ending"]);
const slotView = defineView([
  ...(["kind", "job", "run", "act", "pc", "generation", "live", "attemptAt", "a", "b", "c", "revision"] as const),
]);
const reconcilerView = defineView([
  ...(["pc", "job", "run", "generation", "segment", "status", "current", "runStatus", "epoch", "read", "act"] as const),
]);

export type Row = ReturnType<typeof rowView.of>;
export type Run = ReturnType<typeof runView.of>;
export type Slot = ReturnType<typeof slotView.of>;
export type Reconciler = ReturnType<typeof reconcilerView.of>;

export interface Setting {
  /** Per job its environment and its version, by number. */
  jobs: readonly { environment: number; version: number }[];
  environments: number;
  versions: number;
  /** Things under way at a time, and runs per job: what needs more is cut off, and counted as overflow. */
  slots: number;
  maxRuns: number;
  /** Faults and requests in all. */
  faults: number;
  /** Only these faults and requests; all of them by default. */
  only?: readonly Fault[];
  /** Jobs are posted in order: as good, with fewer states. */
  ordered?: boolean;
  /** With an upload step, which only writes what is repeatable. */
  upload?: boolean;
  /** An API retry may carry finished steps over. */
  carry?: boolean;
  /** A run may continue as new behind its first step. */
  continues?: boolean;
  /** Every gateway reconciles what its watchers look at, whoever has the lease. */
  anyoneReconciles?: boolean;
}

const RECONCILERS = 2;

export type Layout = ReturnType<typeof createLayout>;

export function createLayout(setting: Setting) {
  const { environments, versions, jobs, slots, maxRuns } = setting;
  let size = 0;
  const take = (bytes: number): number => (size += bytes) - bytes;
  const budgets = take(FAULTS.length);
  const total = take(1);
  const lease = take(1);
  const environmentsAt = take(environments * environmentView.size);
  const versionsAt = take(versions * versionView.size);
  const jobSize = rowView.size + runView.size * maxRuns;
  const jobsAt = take(jobs.length * jobSize);
  const reconcilersAt = take(RECONCILERS * reconcilerView.size);
  const slotsAt = take(slots * slotView.size);
  const byte = (state: State, at: number): number => state[at] as number;
  const slotAt = (index: number): number => slotsAt + index * slotView.size;

  return {
    setting,
    size,
    slotSize: slotView.size,
    slotAt,
    numbers: { jobs: jobs.map((_, job) => job), slots: Array.from({ length: slots }, (_, slot) => slot) },
    reconcilers: [0, 1] as const,
    environment: (state: State, number: number) =>
      environmentView.of(state, environmentsAt + number * environmentView.size),
    environmentOf(state: State, job: number) {
      return this.environment(state, jobs[job]?.environment ?? 0);
    },
    version: (state: State, number: number) => versionView.of(state, versionsAt + number * versionView.size),
    versionOf(state: State, job: number) {
      return this.version(state, jobs[job]?.version ?? 0);
    },
    row: (state: State, job: number): Row => rowView.of(state, jobsAt + job * jobSize),
    /** `number`: from 1. */
    run: (state: State, job: number, number: number): Run =>
      runView.of(state, jobsAt + job * jobSize + rowView.size + (number - 1) * runView.size),
    slot: (state: State, index: number): Slot => slotView.of(state, slotAt(index)),
    clearSlot: (state: State, index: number) => void state.fill(0, slotAt(index), slotAt(index) + slotView.size),
    reconciler: (state: State, number: number): Reconciler =>
      reconcilerView.of(state, reconcilersAt + number * reconcilerView.size),
    clearReconciler(state: State, number: number) {
      const at = reconcilersAt + number * reconcilerView.size;
      state.fill(0, at, at + reconcilerView.size);
    },
    leader: (state: State): number => byte(state, lease),
    passLease: (state: State) => void (state[lease] = 1 - byte(state, lease)),
    hasBudget: (state: State, fault: Fault): boolean =>
      byte(state, total) > 0 && byte(state, budgets + FAULTS.indexOf(fault)) > 0,
    spend(state: State, fault: Fault) {
      const at = budgets + FAULTS.indexOf(fault);
      state[at] = byte(state, at) - 1;
      state[total] = byte(state, total) - 1;
    },
    initial(): State {
      const state = new Uint8Array(size);
      FAULTS.forEach((fault, index) => {
        const allowed = !setting.only || setting.only.includes(fault);
        state[budgets + index] = allowed && (fault !== "continue" || setting.continues) ? setting.faults : 0;
      });
      state[total] = setting.faults;
      for (let number = 0; number < versions; number++) this.version(state, number).revision = 1;
      return state;
    },
    /** Equal states become the same bytes: attempts are numbered by rank, slots sorted. */
    normalise(state: State): void {
      for (const job of this.numbers.jobs) rankAttempts(this, state, job);
      sortSlots(this, state);
    },
  };
}

function rankAttempts(layout: Layout, state: State, job: number): void {
  const row = layout.row(state, job);
  const attempts = layout.numbers.slots
    .map((slot) => layout.slot(state, slot))
    .filter((slot) => slot.kind === SLOT.attempt && slot.job === job);
  const times = [...new Set([row.attemptAt, ...attempts.map(({ attemptAt }) => attemptAt)])]
    .filter((time) => time > 0)
    .toSorted((a, b) => a - b);
  const rank = (time: number): number => times.indexOf(time) + 1;
  row.attemptAt = rank(row.attemptAt);
  for (const slot of attempts) slot.attemptAt = rank(slot.attemptAt);
}

function sortSlots(layout: Layout, state: State): void {
  const { slots } = layout.setting;
  const { slotSize, slotAt } = layout;
  const order = (a: number, b: number): number => {
    for (let at = 0; at < slotSize; at++) {
      const difference = (state[b + at] as number) - (state[a + at] as number);
      if (difference !== 0) return difference;
    }
    return 0;
  };
  for (let index = 0; index < slots - 1; index++) {
    let first = index;
    for (let other = index + 1; other < slots; other++) if (order(slotAt(other), slotAt(first)) < 0) first = other;
    if (first === index) continue;
    const [a, b] = [slotAt(index), slotAt(first)];
    const kept = state.slice(a, a + slotSize);
    state.copyWithin(a, b, b + slotSize);
    state.set(kept, b);
  }
}
