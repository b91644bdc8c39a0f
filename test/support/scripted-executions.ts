/**
 * Temporal's answers as data, for orders of events that a real server gives once in a million: the protocol's rules are about
 * exactly those. Everything else of the test is real, and test/chaos runs the same protocol against the real server.
 */
import type { CarriedSteps } from "../../contract/publish.ts";
import type { Execution, Executions } from "../../src/temporal.ts";
import type { CancelRequested } from "../../src/temporal-requests.ts";

export interface ScriptedExecutions extends Executions {
  /** What `describe` answers; null is "not found". */
  current: Execution | null;
  /** Runs while a `describe` is under way, after its answer was fixed. Once. */
  whileDescribing: (() => Promise<unknown>) | null;
  /** Runs when a cancel is on its way, before it lands. Once. */
  whileCancelling: (() => Promise<unknown>) | null;
  /** What the history says of a cancel. */
  requested: CancelRequested | null;
  started: { workflow_id: string; generation: number; carried?: CarriedSteps }[];
  cancelled: { workflow_id: string; run_id: string | undefined }[];
  /** Forgets everything, for the next test. */
  reset(): void;
}

export function scriptedExecutions(): ScriptedExecutions {
  const script: ScriptedExecutions = {
    current: null,
    whileDescribing: null,
    whileCancelling: null,
    requested: null,
    started: [],
    cancelled: [],
    async start({ workflow_id, input }) {
      const { generation, carried } = input;
      script.started.push({ workflow_id, generation, ...(carried ? { carried } : {}) });
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
    cancelRequested: async () => script.requested,
    reset() {
      Object.assign(script, {
        current: null,
        whileDescribing: null,
        whileCancelling: null,
        requested: null,
        started: [],
        cancelled: [],
      });
    },
    async ping() {},
    async queryProgress() {
      return { kind: "closed" };
    },
  };
  return script;
}
