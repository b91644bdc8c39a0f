/** The golden histories of every job type but publish, by the samples of test/support/job-samples. Each answers the job whose run is recorded. */
import { definitionOf } from "../../contract/job-types.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import type { ChaosRoom } from "../support/chaos-room.ts";
import { SAMPLES } from "../support/job-samples/index.ts";
import { play, playCancelledUnseen, playFailing, playHeld, playStalling, WORKER, type Played } from "../support/job-samples/play.ts";
import type { JobSample } from "../support/job-samples/sample.ts";
import { requestCancel, reset, terminate, workflowStatus } from "../support/operator.ts";
import { jobRow, until } from "../support/publishing.ts";

/** Null for a type that cannot be brought there. */
export type SampleScenario = (room: ChaosRoom, sample: JobSample) => Promise<string | null>;

const END_MS = 60_000;
/** The second look is a minute after the first (`workflows/permit.ts`). */
const LOOKS_MS = 90_000;
/** A worker that bears a file which does not go on for so long. */
const PATIENT = { settings: { ...WORKER.settings, PLATEN_FETCH_IDLE_SECONDS: "300" } };

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
  /** Its first look at the line is in vain, and its second, by the clock; then it is told. */
  async "waits-for-permit"(room, sample) {
    const permits = definitionOf(sample.type).capabilities.throttled;
    if (permits === null) return null;
    await room.killWorkers();
    await room.worker(PATIENT);
    const held: { job: string; letGo(): Promise<void> }[] = [];
    while (held.length < permits) held.push(await playHolding(room, sample));
    const { job } = await play(room, sample);
    await until("two looks at the line", async () => (await timersOf(room, job)) === 2, LOOKS_MS);
    for (const { letGo } of held) await letGo();
    for (const before of held) await closed(room, before.job);
    return closed(room, job);
  },
  // The last one: nothing tells the row of it, so the job keeps its permit.
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

/**
 * A job that keeps a permit of the sample's line until it is let go. One that waits for its file beats meanwhile; one that stands in a commit does not, and
 * each attempt that takes over waits for its row with a slot and a connection: four of those would leave none.
 */
async function playHolding(room: ChaosRoom, sample: JobSample): Promise<{ job: string; letGo(): Promise<void> }> {
  const queue = definitionOf(sample.type).task_queue;
  const stalling = Object.values(SAMPLES).find((each) => each.stalling && definitionOf(each.type).task_queue === queue);
  const stalled = stalling && (await playStalling(room, stalling));
  if (stalled) return stalled;
  const { job, gate } = await playHeld(room, sample);
  return { job, letGo: gate.open };
}

async function timersOf(room: ChaosRoom, job: string): Promise<number> {
  const { workflow_id } = await jobRow(room, job);
  const { events } = await room.temporal.client.workflow.getHandle(workflow_id).fetchHistory();
  return events?.filter(({ timerStartedEventAttributes: its }) => its).length ?? 0;
}

async function closed(room: ChaosRoom, job: string): Promise<string> {
  await until(`${job} to end`, async () => (await workflowStatus(room, job)) !== "RUNNING", END_MS);
  return job;
}
