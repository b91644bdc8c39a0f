/** How jobs end when nothing in their own work was wrong. */
import type { FailureDefinition } from "./definition.ts";

export const ENDING_FAILURES = {
  cancelled: {
    status: 409,
    retryable: false,
    title: "Cancelled",
    sentence: "The job was cancelled{by}.",
    action: "Retry it, or start a new one.",
  },
  terminated_by_operator: {
    status: 409,
    retryable: false,
    title: "Terminated by an operator",
    sentence: "The workflow was terminated in Temporal{how}.",
    action: "Retry the job if that was not meant.",
  },
  timed_out: {
    status: 504,
    retryable: true,
    title: "Timed out",
    sentence: "The workflow ran into its time limit{where}.",
    action: "Look at the workflow in the Temporal Web UI, then retry.",
  },
  execution_lost: {
    status: 500,
    retryable: false,
    title: "Workflow is gone",
    sentence: "Temporal does not know the workflow {workflow} any more.",
    action: "Retry the job.",
  },
  job_ended: {
    status: 409,
    retryable: false,
    title: "The job has ended meanwhile",
    sentence: "The job {job} is {status}: this run has nothing left to do.",
    action: "Nothing; the job's page tells its state.",
  },
  superseded: {
    status: 409,
    retryable: true,
    title: "A newer attempt took over",
    sentence: "Another run or attempt works on job {job} now.",
    action: "Nothing; this attempt stops without a trace.",
  },
} as const satisfies Record<string, FailureDefinition>;
