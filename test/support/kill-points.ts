/** Publishes whose worker is killed at chosen points of an activity, and what must be true of each of them afterwards. */
import { expect } from "vitest";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { expectReleasedOnce, expectSoundLedger, guardOf, type ChaosRoom } from "./chaos-room.ts";
import type { MortalWorkers } from "./mortal-workers.ts";
import type { PointerRecorder } from "./pointer-recorder.ts";
import { expectWhole } from "./whole-release.ts";
import { queueJob, SMALL, type Draft } from "./publishing.ts";

/** Of a publish, in order; `settle` ends one whose draft has no config. */
export const ACTIVITIES = ["validate", "generateRelease", "upload", "verifyTiles", "markPublished", "settle"] as const;
export type ActivityName = (typeof ACTIVITIES)[number];

interface Doomed {
  job: string;
  activity: ActivityName;
  point: number;
  live: Draft;
  draft: Draft;
  recorder: PointerRecorder;
}

/** A worker that dies is noticed after 10 s, and its jobs stand in line behind others until it has been started again. */
const END_MS = 240_000;
/** Pause between two looks at each pointer. */
const LOOK_MS = 50;

/** How many points each activity passes when nobody dies. */
async function countPoints(
  room: ChaosRoom,
  workers: MortalWorkers,
): Promise<(activity: ActivityName) => Promise<number>> {
  const publish = async (config: object): Promise<string> => {
    const job = await queueJob(room, await room.draft({ descriptor: SMALL, ...config }));
    await workers.doom(job);
    await startJob(room.deps, job, 1);
    await room.ended(job, END_MS);
    return job;
  };
  const [whole, failing] = await Promise.all([publish({}), publish({ config: null })]);
  return (activity) => workers.points(activity === "settle" ? failing : whole, activity);
}

/** Points may differ by a few from one publish to the next: a connection to PostgreSQL that has to be made first, a retried write. */
const SPARE = 2;

/**
 * For each of `shares` of the activity's points, from 0 to 1 (or for each point, where there are fewer): a project whose version 1 is live and whose version 2 is being published
 * when the worker dies there. All of them are under way at once. Answers the points.
 */
export async function expectSurvived(
  room: ChaosRoom,
  workers: MortalWorkers,
  dooms: { activity: ActivityName; shares: number[] }[],
): Promise<string> {
  const told: string[] = [];
  const starts: Promise<Doomed>[] = [];
  const points = await countPoints(room, workers);
  for (const { activity, shares } of dooms) {
    const count = await points(activity);
    const chosen = [...new Set(shares.map((share) => Math.floor(share * (count - SPARE))))];
    expect(chosen, `points of ${activity}`).toHaveLength(Math.min(shares.length, count - SPARE));
    starts.push(...chosen.map((point) => start(room, workers, activity, point)));
    told.push(`${activity} at ${chosen.join(", ")} of ${count}`);
  }
  for (const each of await Promise.all(starts)) await expectGood(room, workers, each);
  return told.join("; ");
}

async function start(room: ChaosRoom, workers: MortalWorkers, activity: ActivityName, point: number): Promise<Doomed> {
  const live = await room.draft({ descriptor: SMALL });
  const recorder = room.record(live, "dev", LOOK_MS);
  const first = await room.publish(live);
  expect(await room.ended(first, END_MS)).toMatchObject({ status: "completed", epoch: 1 });
  const config = activity === "settle" ? { config: null } : {};
  const draft = await room.draft({ descriptor: SMALL, project: live, ...config });
  const job = await queueJob(room, draft);
  await workers.doom(job, { activity, point });
  await startJob(room.deps, job, 1);
  return { job, activity, point, live, draft, recorder };
}

async function expectGood(room: ChaosRoom, workers: MortalWorkers, doomed: Doomed): Promise<void> {
  const { job, activity, point, live, draft, recorder } = doomed;
  const what = `${activity}, point ${point}`;
  const status = activity === "settle" ? "failed" : "completed";
  expect(await room.ended(job, END_MS), what).toMatchObject({ status, generation: 1 });
  expect(workers.hasDied(job), `${what}: the worker died`).toBe(true);
  await expectSoundLedger(room, job, [status]);
  expect(await guardOf(room, draft), what).toBeNull();
  if (status === "completed") {
    await expectReleasedOnce(room, draft, [job]);
    await expectWhole(room, draft);
  }
  await expectWhole(room, live);
  expect(await recorder.served(), what).toEqual(status === "completed" ? [1, 2] : [1]);
  recorder.stop();
}
