/** What a job's row, stream and command line said, and when; and what they have to say. */
import type { AttentionCode } from "../../../contract/attention.ts";
import type { FailureCode } from "../../../contract/failures.ts";
import type { JobStatus } from "../../../contract/job-state.ts";
import type { StepState } from "../../../contract/progress.ts";

/** A job as it is told on any of the three ways; what a way does not have is absent. */
export interface Told {
  status: JobStatus;
  generation: number;
  message: string | null;
  steps: StepState[];
  error_code: string | null;
  error: string | null;
  attention: { code: string; message: string } | null;
  notice: { code: string } | null;
  /** Messages of log entries since the watching began. */
  logs: string[];
}

/** `null` of a member: it must be absent. */
export interface Wanted {
  status?: JobStatus;
  generation?: number;
  code?: FailureCode;
  /** Each must be in the error's sentence. */
  error?: readonly string[];
  attention?: AttentionCode | null;
  notice?: "temporal_away" | null;
  /** Steps that are told as done. */
  done?: readonly string[];
  /** In the message or in a log entry. */
  mentions?: RegExp;
}

/** A moment of one way. `at`: ms since the epoch. */
export interface Moment {
  at: number;
  told: Told;
}

export const NOTHING_TOLD: Told = {
  ...{ status: "queued", generation: 1, message: null, steps: [], error_code: null, error: null },
  ...{ attention: null, notice: null, logs: [] },
};

/** Does it say all that is wanted? */
export function says(told: Told, wanted: Wanted): boolean {
  const { status, generation, code, error, attention, notice, done, mentions } = wanted;
  const isDone = (name: string): boolean => told.steps.some((step) => step.name === name && step.status === "done");
  return [
    status === undefined || told.status === status,
    generation === undefined || told.generation === generation,
    code === undefined || told.error_code === code,
    error === undefined || error.every((part) => told.error?.includes(part)),
    attention === undefined || (told.attention?.code ?? null) === attention,
    notice === undefined || (told.notice?.code ?? null) === notice,
    done === undefined || done.every(isDone),
    mentions === undefined ||
      [told.message ?? "", told.attention?.message ?? "", ...told.logs].some((text) => mentions.test(text)),
  ].every(Boolean);
}

/** In a few words, for a table. */
export function sentence({ status, generation, error_code, error, attention, notice, message }: Told): string {
  const parts = [
    `${status}${generation > 1 ? `, generation ${generation}` : ""}`,
    error_code,
    attention && `attention: ${attention.code}`,
    notice && `notice: ${notice.code}`,
    error_code ? `“${error}”` : message && `“${message}”`,
  ];
  return parts.filter(Boolean).join(", ");
}
