/** How long jobs of throttled types may work: by what Temporal was told of their steps, on the real servers. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { definitionOf } from "../../contract/job-types.ts";
import { runSecondsOf } from "../../contract/job-start.ts";
import { isThrottled } from "../../contract/permits.ts";
import { createChaosRoom, type ChaosRoom } from "../support/chaos-room.ts";
import { SAMPLES } from "../support/job-samples/index.ts";
import { play, WORKER } from "../support/job-samples/play.ts";
import { jobRow } from "../support/publishing.ts";

let room: ChaosRoom;
beforeAll(async () => {
  room = await createChaosRoom();
  await room.worker(WORKER);
}, 60_000);
afterAll(() => room?.close());

/** Whose time is not the work's: the one waits in line, the other must come to an end whatever it takes. */
const BESIDE = new Set(["awaitPermit", "settle"]);

/** By activity, in the order of the history: seconds that it may take, from being due to its end, all its attempts together. */
async function limitsOf(job: string): Promise<[name: string, seconds: number][]> {
  const { workflow_id } = await jobRow(room, job);
  const { events } = await room.temporal.client.workflow.getHandle(workflow_id).fetchHistory();
  return (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: it }) =>
    it ? [[it.activityType?.name ?? "", Number(it.scheduleToCloseTimeout?.seconds)]] : [],
  );
}

const throttled = Object.values(SAMPLES).filter(({ type }) => isThrottled(type));

describe.each(throttled)("a job of type $type", { timeout: 60_000 }, (sample) => {
  const { timeout_seconds, steps } = definitionOf(sample.type);

  it("may work no longer than its type says, however long it has stood in line, which has a time of its own", async () => {
    const { job } = await play(room, sample);
    expect(await room.ended(job, 50_000)).not.toMatchObject({ status: "failed" });
    const limits = (await limitsOf(job)).filter(([name]) => !BESIDE.has(name));
    expect(limits).toHaveLength(steps.length);
    const seconds = limits.reduce((sum, [, each]) => sum + each, 0);
    expect(seconds, JSON.stringify(limits)).toBeGreaterThan(0);
    expect(seconds, JSON.stringify(limits)).toBeLessThanOrEqual(timeout_seconds);
    expect(runSecondsOf(sample.type)).toBe(timeout_seconds + 7 * 86_400);
  });
});
