import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { JOBS_CHANNEL } from "../../contract/messages.ts";
import { listenToJobs, type JobNotifications } from "../../src/jobs/job-notifications.ts";
import { findJobs, type JobRecord } from "../../src/jobs/job-queries-store.ts";
import { notifyJobs } from "../../src/jobs/ledger-store.ts";
import { createProgressFeed, type FeedOptions, type ProgressFeed } from "../../src/jobs/progress-feed.ts";
import { writeProgress } from "../../src/jobs/progress-store.ts";
import type { Grip } from "../../src/jobs/protocol/attempt.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { leaveStep } from "../../src/jobs/protocol/ledger-writes.ts";
import type { ProgressAnswer } from "../../src/temporal.ts";
import { createDraft, createPublishing, queueJob, until, type Publishing } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";

let room: Publishing;
let notifications: JobNotifications;
let feed: ProgressFeed;
const script = scriptedExecutions();
/** What the workflow answers. */
let answer: ProgressAnswer;
/** How often the feed that was opened last has asked, when, in ms, and how many questions were under way at most. */
let counts = newCounts();

beforeAll(async () => {
  room = await createPublishing({ executions: script });
  notifications = listenToJobs({
    url: room.databaseUrl,
    notify: (payload) => notifyJobs(room.database.em.fork(), JOBS_CHANNEL, [payload]),
    log: room.deps.log,
  });
});
beforeEach(() => {
  script.reset();
  answer = { kind: "closed" };
});
afterEach(() => feed?.close());
afterAll(async () => {
  await notifications?.close();
  await room?.close();
});

function newCounts() {
  return { asked: 0, times: [] as number[], underWay: 0, most: 0 };
}

function open(options: Partial<FeedOptions> = {}): void {
  const mine = (counts = newCounts());
  const executions = {
    ...script,
    async queryProgress() {
      mine.asked += 1;
      mine.times.push(performance.now());
      mine.underWay += 1;
      mine.most = Math.max(mine.most, mine.underWay);
      await new Promise((resolve) => setTimeout(resolve, 5));
      mine.underWay -= 1;
      return answer;
    },
  };
  const { database, deps } = room;
  feed = createProgressFeed({
    database,
    notifications,
    executions,
    log: deps.log,
    sweepMs: 20,
    silentMs: 10,
    ...options,
  });
}

async function newJob(): Promise<JobRecord> {
  return recordOf(await queueJob(room, await createDraft(room)));
}

async function recordOf(id: string): Promise<JobRecord> {
  const [record] = await findJobs(room.database.em.fork(), [id]);
  return record!;
}

async function enter(id: string, step: string): Promise<Grip> {
  const attempt = { job_id: id, run_id: "run-1", attempt_at: 1, generation: 1, reset: false };
  const outcome = await enterStep(room.deps, attempt, { step, message: `Begins ${step}` });
  if (outcome.kind !== "entered") throw new Error(`not entered: ${outcome.kind}`);
  return outcome.grip;
}

const nobody = () => ({ changed: () => undefined, closing: () => undefined });
const said = (percent: number, run_id = "run-1"): ProgressAnswer => ({
  kind: "said",
  progress: { run_id, step: "upload", percent, steps: [{ name: "upload", status: "running" }] },
});

describe("a watched job", () => {
  it("is one object for all, and nothing of it is kept when nobody watches any more", async () => {
    open();
    const record = await newJob();
    const [one, other] = [nobody(), nobody()];
    const watched = feed.watch(record, one);
    expect(feed.watch(record, other)).toBe(watched);
    expect(feed.size()).toEqual({ jobs: 1, watchers: 2 });
    feed.unwatch(watched, one);
    expect(feed.size()).toEqual({ jobs: 1, watchers: 1 });
    feed.unwatch(watched, other);
    expect(feed.size()).toEqual({ jobs: 0, watchers: 0 });
  });

  it("shows what changed between the caller's read and the watch", async () => {
    open({ sweepMs: 60_000 });
    const record = await newJob();
    await enter(record.id, "validate");
    const watched = feed.watch(record, nobody());
    await until("the step", async () => watched.job.step === "validate");
    expect(watched.tail.map(({ event }) => event.seq)).toEqual([2, 3]);
  });

  it("shows progress without reading the ledger, and keeps what an older read does not know", async () => {
    open();
    const record = await newJob();
    const grip = await enter(record.id, "upload");
    const watched = feed.watch(await recordOf(record.id), nobody());
    const { attempt_at } = grip;
    const report = { job_id: record.id, generation: 1, attempt_at, report: 1, progress: 41, message: "tile 41" };
    await writeProgress(room.database.em.fork(), [report]);
    await until("the progress", async () => watched.job.progress === 41);
    expect(watched.job).toMatchObject({ message: "tile 41", step: "upload", seq: 3 });
    expect(watched.tail).toEqual([]);
  });
});

/** Each twice the one before, from 10 ms on, a quarter more or less; the sweep and the machine may make one longer. */
function expectGrowingPauses(): void {
  const pauses = counts.times.slice(1, 6).map((time, index) => time - counts.times[index]!);
  for (const [index, pause] of pauses.entries()) expect(pause).toBeGreaterThanOrEqual(0.75 * 10 * 2 ** index);
}

describe("the workflow", () => {
  it("is asked when a watcher comes, one question at a time however many watch, and what it knows is shown", async () => {
    open({ silentMs: 60_000 });
    const { id } = await newJob();
    await enter(id, "upload");
    answer = said(44);
    const record = await recordOf(id);
    const all = Array.from({ length: 50 }, () => feed.watch(record, nobody()));
    await until("the answer", async () => all[0]!.job.progress === 44);
    expect(all[49]!.job).toMatchObject({ status: "running", step: "upload", progress: 44 });
    expect(counts).toMatchObject({ asked: 1, most: 1 });
  });

  it("is asked at each step, and while the row is silent, less and less often when there is no news", async () => {
    open({ silentMs: 60_000 });
    const { id } = await newJob();
    const watched = feed.watch(await recordOf(id), nobody());
    await until("the first question", async () => counts.asked === 1);
    const grip = await enter(id, "validate");
    await until("the second", async () => counts.asked === 2);
    await leaveStep(room.deps, grip, "validate", "Validated");
    await until("the end of the step", async () => watched.job.progress === 10);
    feed.close();

    open();
    feed.watch(await recordOf(id), nobody());
    await until("some more questions", async () => counts.asked >= 6);
    expectGrowingPauses();
  });

  it("and the row together never make progress go back", async () => {
    open();
    const { id } = await newJob();
    const grip = await enter(id, "upload");
    answer = said(44);
    const shown: number[] = [];
    const watched = feed.watch(await recordOf(id), {
      changed: () => shown.push(watched.job.progress),
      closing: () => undefined,
    });
    await until("the answer", async () => watched.job.progress === 44);
    const report = { job_id: id, generation: 1, attempt_at: grip.attempt_at, message: "a tile" };
    for (const [number, progress] of [35, 40, 46, 48].entries()) {
      answer = said(30);
      await writeProgress(room.database.em.fork(), [{ ...report, report: number + 1, progress }]);
      await until("the report", async () => watched.job.message === "a tile" && watched.job.progress >= progress);
    }
    expect(shown).toEqual(shown.toSorted((a, b) => a - b));
    expect(shown.at(-1)).toBe(48);
  });

  it("of another run says nothing", async () => {
    open();
    const { id } = await newJob();
    await enter(id, "upload");
    answer = said(49, "another run");
    const watched = feed.watch(await recordOf(id), nobody());
    await until("some questions", async () => counts.asked > 2);
    expect(watched.job.progress).toBe(30);
  });

  it("without a worker is described, and its watchers are told that it waits for one", async () => {
    open();
    const { id } = await newJob();
    await enter(id, "upload");
    answer = { kind: "silent" };
    const heartbeat = { step: "upload", percent: 43, message: "tile 7 of 9" };
    script.current = { run_id: "run-1", open: true, status: "RUNNING", reset: false, generation: 1, heartbeat };
    const watched = feed.watch(await recordOf(id), nobody());
    await until("the notice", async () => watched.job.notice);
    expect(watched.job).toMatchObject({ progress: 43, message: "tile 7 of 9", notice: { code: "workers_silent" } });
    answer = { kind: "closed" };
    const grip = await enter(id, "upload");
    await leaveStep(room.deps, grip, "upload", "Uploaded");
    await until("the row to speak again", async () => watched.job.progress === 50 && !watched.job.notice);
  });

  it("that is busy is left alone for longer", async () => {
    open();
    const { id } = await newJob();
    await enter(id, "upload");
    answer = { kind: "busy" };
    const watched = feed.watch(await recordOf(id), nobody());
    await until("some questions", async () => counts.asked >= 6);
    expectGrowingPauses();
    expect(watched.job.notice).toBeUndefined();
    expect(counts.most).toBe(1);
  });
});
