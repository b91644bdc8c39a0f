/**
 * What can be done to a publish in Temporal, and what Platen has to tell then: the lines of the table in docs/operations.md, as data. `at` is
 * where the publish stands when it is pressed: in its upload (before the switch), behind the switch in step 5, or at its end.
 */
import type { FailureCode } from "../../../contract/failures.ts";
import type { FinalStatus } from "../../../contract/job-state.ts";
import { OPERATOR, REASON, type Press } from "./presses.ts";
import type { Wanted } from "./told.ts";

/** What happens without anybody pressing anything. */
export const EVENTS = [
  "execution timeout",
  "run timeout",
  "a bug in the workflow",
  "the bug is mended",
  "Temporal goes down",
  "Temporal is back",
] as const;
export type Event = (typeof EVENTS)[number];

export interface Act {
  act: Press | Event;
  /** By now it must be told; `row` where the row cannot know what streams do. */
  told: Wanted;
  row?: Wanted;
  /** Lets the publish go on as soon as it is pressed: nothing could be told otherwise. */
  release?: true;
}

export interface TruthCase {
  name: string;
  at: "upload" | "mark_published" | "failed" | "completed";
  by: "Web UI" | "temporal" | "nobody";
  acts: readonly Act[];
  /** What becomes of it, once it is let go. `endings`: the final states in its ledger, one of each generation that had an end. */
  end: { status: FinalStatus; code?: FailureCode; generation: number; endings: readonly FinalStatus[] };
  /** It has a task queue and a worker of its own, so that the worker can be taken away. */
  ownWorker?: true;
  /** Long ended, and no worker there, when it is pressed. */
  forgotten?: true;
  /** Another publish holds the guard when it is pressed. */
  guardTaken?: true;
  /** Nothing else may run meanwhile: it takes Temporal away from all. */
  alone?: true;
}

const COMPLETED = { status: "completed", generation: 1, endings: ["completed"] } as const;
const REOPENED = { status: "completed", generation: 2, endings: ["completed"] } as const;
const CANCELLED = { status: "cancelled", generation: 1, endings: ["cancelled"] } as const;
const FAILED = { status: "failed", generation: 1, endings: ["failed"] } as const;
const SECOND_RUNS = { status: "running", generation: 2 } as const;
const BEFORE_UPLOAD = ["validate", "generate_release"];
const BEFORE_SWITCH = [...BEFORE_UPLOAD, "upload", "verify_tiles"];
const ends = (status: FinalStatus): Wanted => ({ status });

/** By the Web UI and by the command line. */
function pressed(
  name: string,
  { at, acts, end }: Pick<TruthCase, "at" | "end"> & { acts: (by: "Web UI" | "temporal") => readonly Act[] },
): TruthCase[] {
  return (["Web UI", "temporal"] as const).map((by) => ({
    name: `${name}, by the ${by}`,
    at,
    by,
    acts: acts(by),
    end,
  }));
}

/** What nobody presses, before the switch and after it. */
const happening = (
  name: string,
  acts: readonly Act[],
  end: TruthCase["end"],
  more: Partial<TruthCase> = {},
): TruthCase[] => [{ name: `${name}, in the upload`, at: "upload", by: "nobody", acts, end, ...more }];

const told =
  (press: Press, wanted: Wanted): (() => readonly Act[]) =>
  () => [{ act: press, told: wanted }];
const code = (status: FinalStatus, failure: FailureCode): Wanted => ({ status, code: failure });

const PAUSE: readonly Act[] = [
  { act: "pause", told: { status: "running", attention: "paused" } },
  { act: "unpause", told: { status: "running", attention: null } },
];
const STUCK: readonly Act[] = [
  { act: "a bug in the workflow", told: { status: "running", attention: "stuck" } },
  { act: "the bug is mended", told: { status: "running", attention: null } },
];
/** The row is no place for what is unknown; it must not change. */
const AWAY: readonly Act[] = [
  { act: "Temporal goes down", told: { status: "running", notice: "temporal_away" }, row: { status: "running" } },
  { act: "Temporal is back", told: { status: "running", notice: null }, row: { status: "running" } },
];

const BEFORE: readonly TruthCase[] = [
  ...pressed("cancel in the upload", {
    at: "upload",
    acts: told("cancel", code("cancelled", "cancelled")),
    end: { ...CANCELLED, code: "cancelled" },
  }),
  ...pressed("terminate in the upload", {
    at: "upload",
    // The command line's operator is the user of the machine, whoever that is.
    acts: (by) => [
      {
        act: "terminate",
        told: {
          ...code("cancelled", "terminated_by_operator"),
          error: by === "Web UI" ? [OPERATOR, REASON] : [REASON],
        },
      },
    ],
    end: { ...CANCELLED, code: "terminated_by_operator" },
  }),
  ...pressed("reset to the first task in the upload", {
    at: "upload",
    acts: told("reset to the first task", SECOND_RUNS),
    end: REOPENED,
  }),
  ...pressed("reset to the step in the upload", {
    at: "upload",
    acts: told("reset to the step", { ...SECOND_RUNS, done: BEFORE_UPLOAD }),
    end: REOPENED,
  }),
  ...pressed("pause and unpause in the upload", { at: "upload", acts: () => PAUSE, end: COMPLETED }),
  ...pressed("reset of the activity in the upload", {
    at: "upload",
    acts: told("reset the activity", { status: "running", mentions: /\breset\b/i }),
    end: COMPLETED,
  }),
  ...pressed("delete in the upload", {
    at: "upload",
    acts: told("delete", code("failed", "execution_lost")),
    end: { ...FAILED, code: "execution_lost" },
  }),
  ...happening("execution timeout", [{ act: "execution timeout", told: code("failed", "timed_out") }], {
    ...FAILED,
    code: "timed_out",
  }),
  ...happening("run timeout", [{ act: "run timeout", told: code("failed", "timed_out") }], {
    ...FAILED,
    code: "timed_out",
  }),
  ...happening("a bug in the workflow", STUCK, COMPLETED, { ownWorker: true }),
  ...happening("Temporal away", AWAY, COMPLETED, { alone: true }),
];

/** Whatever is pressed, and by whom, it ends completed. */
const after = (name: string, by: TruthCase["by"], acts: readonly Act[], more: Partial<TruthCase> = {}): TruthCase => ({
  ...{ name: `${name}, after the switch`, at: "mark_published", by, acts, end: COMPLETED, ...more },
});

const AFTER: readonly TruthCase[] = [
  after("cancel", "Web UI", [{ act: "cancel", told: ends("completed"), release: true }]),
  after("terminate", "Web UI", [{ act: "terminate", told: ends("completed") }]),
  after("reset to the first task", "Web UI", [{ act: "reset to the first task", told: SECOND_RUNS }], {
    end: REOPENED,
  }),
  after(
    "reset to the step",
    "temporal",
    [{ act: "reset to the step", told: { ...SECOND_RUNS, done: BEFORE_SWITCH } }],
    { end: REOPENED },
  ),
  after("pause and unpause", "Web UI", PAUSE),
  // The pointer's writing listens to nobody any more: its attempt ends the publish.
  after("reset of the activity", "Web UI", [{ act: "reset the activity", told: ends("completed"), release: true }]),
  after("delete", "Web UI", [{ act: "delete", told: ends("completed") }]),
  after("execution timeout", "nobody", [{ act: "execution timeout", told: ends("completed") }]),
  after("run timeout", "nobody", [{ act: "run timeout", told: ends("completed") }]),
  after("a bug in the workflow", "nobody", STUCK, { ownWorker: true }),
  after("Temporal away", "nobody", AWAY, { alone: true }),
];

const AGAIN: readonly Act[] = [{ act: "reset to the first task", told: { generation: 2 } }];

const ENDED: readonly TruthCase[] = [
  {
    ...{ name: "reset of one that had failed", at: "failed", by: "Web UI", acts: AGAIN },
    end: { ...REOPENED, endings: ["failed", "completed"] },
  },
  {
    ...{ name: "reset of one that had completed", at: "completed", by: "Web UI", acts: AGAIN },
    end: { ...REOPENED, endings: ["completed", "completed"] },
  },
  {
    ...{ name: "reset of one that failed an hour ago, without a worker", at: "failed", by: "Web UI" },
    acts: [{ act: "reset to the first task", told: SECOND_RUNS }],
    ...{ alone: true, forgotten: true },
    end: { ...REOPENED, endings: ["failed", "completed"] },
  },
  {
    ...{ name: "reset of one whose guard another holds", at: "failed", by: "Web UI", guardTaken: true },
    acts: [{ act: "reset to the first task", told: { ...code("failed", "guard_lost"), generation: 2 } }],
    end: { status: "failed", code: "guard_lost", generation: 2, endings: ["failed", "failed"] },
  },
];

export const TRUTH_CASES: readonly TruthCase[] = [...BEFORE, ...AFTER, ...ENDED];
