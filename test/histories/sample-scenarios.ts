/** The golden histories of every job type but publish, by the samples of test/support/job-samples. Each answers the job whose run is recorded. */
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import type { ChaosRoom } from "../support/chaos-room.ts";
import { play, playCancelledUnseen, playFailing, playHeld, playStalling, WORKER, type Played } from "../support/job-samples/play.ts";
import type { JobSample } from "../support/job-samples/sample.ts";
import { requestCancel, reset, terminate, workflowStatus } from "../support/operator.ts";
import { until } from "../support/publishing.ts";

/** Null for a type that cannot be brought there. */
export type SampleScenario = (room: ChaosRoom, sample: JobSample) => Promise<string | null>;

const END_MS = 60_000;

export const SAMPLE_SCENARIOS: Record<string, SampleScenario> = {
  completed: async (room, sample) => closed(room, (await play(room, sample)).job),
  async failed(room, sample) {
    const played = await playFailing(room, sample);
    return played && closed(room, played.job);
  },
  cancelled: async (room, sample) => (await playCancelled(room, sample)).job,
  async retried(room, sample) {
    const { job } = await playCancelled(room, sample);
    await retryJob(room.deps, { job_id: job, by: room.principal });
    return closed(room, job);
  },
  async killed(room, sample) {
    const { job, gate } = await playHeld(room, sample);
    await room.killWorkers();
    await gate.open();
    await room.worker(WORKER);
    return closed(room, job);
  },
  async reset(room, sample) {
    const { job, gate } = await playHeld(room, sample);
    await reset(room, job);
    await gate.open();
    return closed(room, job);
  },
  async terminated(room, sample) {
    const { job, gate } = await playHeld(room, sample);
    await terminate(room, job);
    await gate.open();
    return job;
  },
};

/** In its work, where that can be made to wait; else before it has begun. */
async function playCancelled(room: ChaosRoom, sample: JobSample): Promise<Played> {
  const played = await playStalling(room, sample);
  if (!played) {
    const unseen = await playCancelledUnseen(room, sample);
    await closed(room, unseen.job);
    return unseen;
  }
  await requestCancel(room, played.job);
  await closed(room, played.job);
  await played.letGo();
  return played;
}

async function closed(room: ChaosRoom, job: string): Promise<string> {
  await until(`${job} to end`, async () => (await workflowStatus(room, job)) !== "RUNNING", END_MS);
  return job;
}
