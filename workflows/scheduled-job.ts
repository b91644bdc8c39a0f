/**
 * scheduledJob: what a schedule starts. It starts an ordinary job and ends as that does, so that Temporal's overlap policies act on the
 * job: while it works, this run is open; who cancels this run, cancels the job.
 */
import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  continueAsNew,
  isCancellation,
  sleep,
  workflowInfo,
} from "@temporalio/workflow";
import type { ScheduledRunInput } from "../contract/schedule.ts";
import { ASKING, proxy } from "./activity-options.ts";

const scheduling = {
  startScheduledJob: proxy("startScheduledJob", ASKING),
  lookAtScheduledJob: proxy("lookAtScheduledJob", ASKING),
  cancelScheduledJob: proxy("cancelScheduledJob", ASKING),
};

/** Between two looks at the job: at first half a second, then twice as long each time. */
const FIRST_LOOK_MS = 500;
const LAST_LOOK_MS = 10_000;
/** Eleven events of history each; an hour and some, then the run goes on in another. */
const LOOKS = 400;
/** When the run was due, which is earlier than its start where it had to wait or was caught up. Set by Temporal. */
const SCHEDULED_START = "TemporalScheduledStartTime";

export async function scheduledJob(input: ScheduledRunInput): Promise<{ job_id: string; status: string }> {
  const job_id = input.job_id ?? (await start(input));
  try {
    return await untilEnded({ ...input, job_id });
  } catch (error) {
    if (!isCancellation(error) || !CancellationScope.current().consideredCancelled) throw error;
    const { schedule_id } = input;
    return CancellationScope.nonCancellable(async () => {
      await scheduling.cancelScheduledJob({ job_id, schedule_id });
      return untilEnded({ ...input, job_id });
    });
  }
}

async function start({ schedule_id, revision }: ScheduledRunInput): Promise<string> {
  const { workflowId, firstExecutionRunId, searchAttributes, startTime } = workflowInfo();
  // Two that are run by hand within a second have the same workflow id, one after the other.
  const run_key = `${workflowId}/${firstExecutionRunId}`;
  // The typed attributes do not hold those that Temporal sets by itself.
  const [due = startTime] = (searchAttributes[SCHEDULED_START] ?? []) as Date[];
  const scheduled_at = new Date(due).toISOString();
  const { job_id } = await scheduling.startScheduledJob({ schedule_id, run_key, scheduled_at, revision });
  return job_id;
}

async function untilEnded(input: ScheduledRunInput & { job_id: string }): Promise<{ job_id: string; status: string }> {
  const { job_id } = input;
  let pause = FIRST_LOOK_MS;
  for (let looks = 0; looks < LOOKS; looks += 1) {
    const { ended } = await scheduling.lookAtScheduledJob({ job_id });
    if (ended) {
      const { status, code, message } = ended;
      if (status === "cancelled") throw new CancelledFailure(`Job ${job_id} was cancelled`);
      if (status === "failed") throw ApplicationFailure.nonRetryable(message ?? "It failed.", code ?? "internal");
      return { job_id, status };
    }
    await sleep(pause);
    pause = Math.min(LAST_LOOK_MS, pause * 2);
  }
  return continueAsNew<typeof scheduledJob>(input);
}
