/** How a run ends that does not complete: in our words and with our code, for the row as for who reads the workflow's page. */
import {
  ActivityFailure,
  ApplicationFailure,
  patched,
  TimeoutFailure,
  upsertSearchAttributes,
  type TemporalFailure,
} from "@temporalio/workflow";
import { defineSearchAttributeKey, SearchAttributeType } from "@temporalio/common";
import { FAILURES, sentence } from "../contract/failures.ts";
import { SEARCH_ATTRIBUTES } from "../contract/messages.ts";
import type { Problem } from "../contract/problem.ts";

/** The failure of ours inside whatever an activity call rejects with. */
export function failureOf(error: unknown): ApplicationFailure | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure ? cause : undefined;
}

/** What the activity said beside the sentence. */
export function factsOf<Facts>(failure: ApplicationFailure): Partial<Facts> {
  return (failure.details?.[0] as { facts?: Partial<Facts> } | undefined)?.facts ?? {};
}

/** Code, sentence and single problems for the job's row. */
export function describe(error: TemporalFailure, job: string): { code: string; message: string; errors?: Problem[] } {
  const failure = failureOf(error);
  if (!failure) return withoutOurs(error, job);
  const problems = (failure.details?.[0] as { problems?: Problem[] } | undefined)?.problems ?? [];
  return {
    code: failure.type ?? "internal",
    message: failure.message,
    ...(problems.length > 0 ? { errors: problems } : {}),
  };
}

/** Where no activity of ours has said anything: Temporal has ended it. */
function withoutOurs(error: TemporalFailure, job: string): { code: string; message: string } {
  const { activityType, cause } = error instanceof ActivityFailure ? error : { activityType: undefined, cause: error };
  const reason = cause?.message ?? error.message;
  const said = (code: "timed_out" | "internal", facts: Record<string, unknown>) => ({
    code,
    message: `${sentence(FAILURES[code].sentence, facts)} ${sentence(FAILURES[code].action, facts)}`,
  });
  if (!(cause instanceof TimeoutFailure)) return said("internal", { reason, request_id: job });
  return said("timed_out", { where: activityType ? ` in ${activityType} (${reason})` : ` (${reason})` });
}

/** What the Web UI shows of the run: sentence and code instead of "Activity task failed", which stays beneath as the cause. */
export function asFailure(code: string | null | undefined, message: string, cause: Error): ApplicationFailure {
  return ApplicationFailure.create({ type: code ?? "internal", message, nonRetryable: true, cause });
}

const FAILURE = defineSearchAttributeKey(SEARCH_ATTRIBUTES.failure, SearchAttributeType.KEYWORD);

/**
 * Operators list runs by what they failed with. The history of one that ended before 0.2 has no such command, and must replay without it.
 * CONTRIBUTING.md goes through this change as its example.
 */
export function tellFailureCode(code: string): void {
  if (patched("tell-failure-code")) upsertSearchAttributes([{ key: FAILURE, value: code }]);
}
