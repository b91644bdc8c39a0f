/**
 * Temporal's answers as data, for orders of events that a real server gives once in a million: the protocol's rules are about
 * exactly those. Everything else of the test is real, and test/chaos runs the same protocol against the real server.
 */
import type { CarriedSteps } from "../../contract/publish.ts";
import type { Closing, Execution, Executions, ListedRun, Polling, TaskTrouble } from "../../src/temporal.ts";
import type { CancelRequested } from "../../src/temporal-requests.ts";

export interface ScriptedExecutions extends Executions {
  /** What `describe` answers; null is "not found". */
  current: Execution | null;
  /** Runs while a `describe` is under way, after its answer was fixed. Once. */
  whileDescribing: (() => Promise<unknown>) | null;
  /** Runs when a start has landed, before its answer comes. Once. */
  whileStarting: (() => Promise<unknown>) | null;
  /** Runs when a cancel is on its way, before it lands. Once. */
  whileCancelling: (() => Promise<unknown>) | null;
  /** What the history says of a cancel. */
  requested: CancelRequested | null;
  started: { workflow_id: string; generation: number; carried?: CarriedSteps }[];
  cancelled: { workflow_id: string; run_id: string | undefined }[];
  terminated: { workflow_id: string; run_id: string; reason: string }[];
  /** Workflow ids that were told to look for their permit. */
  woken: string[];
  /** What the end of the history says. */
  closing: Closing | null;
  trouble: TaskTrouble | null;
  /** What a reset has left behind it. */
  behind: { activities: string[]; carried: string[] };
  /** What visibility lists; null: it answers with an error, and everything has to be found by describing. */
  visible: { changed: ListedRun[]; open: ListedRun[]; paused: ListedRun[] } | null;
  polled: Polling;
  /** Forgets everything, for the next test. */
  reset(): void;
}

const taken = async (): Promise<boolean> => true;
/** Takes whatever it is told, and knows of none. */
const forgetfulSchedules: Executions["schedules"] = {
  ...{ put: async () => {}, remove: async () => {}, describe: async () => null },
  ...{ pause: taken, unpause: taken, trigger: taken },
};

const EMPTY = () => ({
  current: null,
  whileDescribing: null,
  whileStarting: null,
  whileCancelling: null,
  started: [],
  cancelled: [],
  terminated: [],
  woken: [],
  closing: null,
  requested: null,
  trouble: null,
  behind: { activities: [], carried: [] },
  visible: null,
  polled: "somebody" as const,
});

export function scriptedExecutions(): ScriptedExecutions {
  const script: ScriptedExecutions = {
    ...EMPTY(),
    async start({ workflow_id, input }) {
      const { generation, carried } = input;
      script.started.push({ workflow_id, generation, ...(carried ? { carried } : {}) });
      const meanwhile = script.whileStarting;
      script.whileStarting = null;
      await meanwhile?.();
      return "started";
    },
    async describe() {
      const answer = script.current && { ...script.current };
      const meanwhile = script.whileDescribing;
      script.whileDescribing = null;
      await meanwhile?.();
      return answer;
    },
    async cancel(workflow_id, run_id) {
      const meanwhile = script.whileCancelling;
      script.whileCancelling = null;
      await meanwhile?.();
      script.cancelled.push({ workflow_id, run_id });
      return script.current?.open === true && script.current.run_id === run_id;
    },
    async wake(workflow_id) {
      script.woken.push(workflow_id);
    },
    cancelRequested: async () => script.requested,
    async terminate(workflow_id, run_id, reason) {
      script.terminated.push({ workflow_id, run_id, reason });
      if (script.current?.open !== true || script.current.run_id !== run_id) return false;
      script.current = { ...script.current, open: false, status: "TERMINATED" };
      script.closing = { kind: "terminated", by: "platen", reason };
      return true;
    },
    closingOf: async () => script.closing,
    taskTroubleOf: async () => script.trouble,
    behindOf: async () => script.behind,
    async *listChanged() {
      yield seen().changed;
    },
    countOpen: async () => seen().open.length,
    listOpen: async () => ({ runs: seen().open, next: null }),
    listPaused: async () => seen().paused,
    polling: async () => script.polled,
    schedules: forgetfulSchedules,
    reset() {
      Object.assign(script, EMPTY());
    },
    async ping() {},
    async queryProgress() {
      return { kind: "closed" };
    },
  };
  const seen = () => {
    if (script.visible === null) throw new Error("visibility is away");
    return script.visible;
  };
  return script;
}
