/** What tests of the protocol's rules share: one job per test, attempts and runs by name, Temporal's answers as data. */
import type { Attempt, Grip } from "../../src/jobs/protocol/attempt.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import type { Execution } from "../../src/temporal.ts";
import { createDraft, createPublishing, jobRow, ledger, queueJob, type Draft, type Publishing } from "./publishing.ts";
import { scriptedExecutions, type ScriptedExecutions } from "./scripted-executions.ts";

export interface ProtocolRoom {
  room: Publishing;
  temporal: ScriptedExecutions;
  /** Another draft and its queued job; Temporal's script is empty again. */
  renew(): Promise<{ draft: Draft; job: string }>;
  /** Enters, or throws. `step` null: settles. */
  grip(who: Attempt, step?: string | null): Promise<Grip>;
  /** The row and how long its ledger is: equal before and after means that nothing was written. */
  state(job: string): Promise<{ row: Awaited<ReturnType<typeof jobRow>>; events: number }>;
}

export async function createProtocolRoom(): Promise<ProtocolRoom> {
  const temporal = scriptedExecutions();
  const room = await createPublishing({ executions: temporal });
  return {
    room,
    temporal,
    async renew() {
      temporal.reset();
      const draft = await createDraft(room);
      return { draft, job: await queueJob(room, draft) };
    },
    async grip(who, step = "validate") {
      const entered = await enterStep(room.deps, who, { step, message: "working" });
      if (entered.kind !== "entered") throw new Error(`did not enter: ${JSON.stringify(entered)}`);
      return entered.grip;
    },
    state: async (job) => ({ row: await jobRow(room, job), events: (await ledger(room, job)).length }),
  };
}

/** Attempt of the moment `attempt_at`, in a fresh run of generation 1 unless told otherwise. */
export const attemptOf = (
  job_id: string,
  run_id: string,
  attempt_at: number,
  more: Partial<Attempt> = {},
): Attempt => ({
  job_id,
  run_id,
  attempt_at,
  generation: 1,
  reset: false,
  ...more,
});

/** The current run, open, unless told otherwise. */
export const runOf = (run_id: string, more: Partial<Execution> = {}): Execution => ({
  run_id,
  open: true,
  status: "RUNNING",
  reset: false,
  generation: 1,
  ...more,
});

export const FAILED = { status: "failed" as const, code: "internal", message: "It failed." };
