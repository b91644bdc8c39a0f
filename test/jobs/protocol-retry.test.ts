/** Where a retry begins, and what its run is given. Played on rows; test/chaos/retry.test.ts does it with workers. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { query } from "../../src/db.ts";
import { leaveStep } from "../../src/jobs/protocol/ledger-writes.ts";
import { retryJob, type RetryRequest } from "../../src/jobs/protocol/retry.ts";
import { settleJob } from "../../src/jobs/protocol/settle.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { attemptOf, createProtocolRoom, FAILED, type ProtocolRoom } from "../support/protocol-room.ts";
import { jobRow, ledger, type Draft } from "../support/publishing.ts";

let protocol: ProtocolRoom;
let draft: Draft;
let job: string;
let clock: number;

beforeAll(async () => {
  protocol = await createProtocolRoom();
});
afterAll(() => protocol?.room.close());
beforeEach(async () => {
  ({ draft, job } = await protocol.renew());
  clock = 0;
});

const STEPS = ["validate", "generate_release", "upload", "verify_tiles", "mark_published"] as const;
type Step = (typeof STEPS)[number];

/** One run works on the job from a step on, and leaves all steps before `failing`, where it stands then. */
async function workUpTo(failing: Step, run = "F", { from = "validate" as Step, generation = 1, revision = 1 } = {}) {
  for (const step of STEPS.slice(STEPS.indexOf(from), STEPS.indexOf(failing) + 1)) {
    const grip = await protocol.grip(attemptOf(job, run, (clock += 1), { generation }), step);
    if (step === failing) return grip;
    const result = { revision, by: `${step} of ${run}` };
    await leaveStep(protocol.room.deps, grip, step, `${step} done`, { revision, result });
  }
  throw new Error("no such step");
}

async function failIn(...args: Parameters<typeof workUpTo>): Promise<void> {
  await settleJob(protocol.room.deps, await workUpTo(...args), FAILED);
}

const retry = (more: Partial<RetryRequest> = {}) =>
  retryJob(protocol.room.deps, { job_id: job, by: protocol.room.principal, ...more });
const edit = () =>
  query(protocol.room.database.em.fork(), `update versions set revision = revision + 1 where id = $1`, [
    draft.version_id,
  ]);
const given = () => protocol.temporal.started.at(-1);
const statuses = async () => (await jobRow(protocol.room, job)).steps.map(({ status }) => status);

describe("a retry", () => {
  it.each(STEPS.map((step, index) => ({ step, carried: STEPS.slice(0, index), percent: [0, 10, 30, 50, 80][index] })))(
    "of a job that failed in $step begins there, and gives its run what the steps before yielded",
    async ({ step, carried, percent }) => {
      await failIn(step);
      const before = await jobRow(protocol.room, job);
      expect(await retry()).toEqual({ generation: 2, from: step, message: expect.stringContaining(`from ${step}`) });
      const row = await jobRow(protocol.room, job);
      expect(row).toMatchObject({ status: "queued", progress: percent, step: null });
      // With the times at which they were done.
      expect(row.steps.slice(0, carried.length)).toEqual(before.steps.slice(0, carried.length));
      expect(await statuses()).toEqual(STEPS.map((each) => (carried.includes(each) ? "done" : "pending")));
      expect(Object.keys(given()?.carried ?? {})).toEqual(carried);
      for (const name of carried) expect(given()?.carried).toHaveProperty(name, { revision: 1, by: `${name} of F` });
      expect((await ledger(protocol.room, job)).at(-1)?.data).toMatchObject({
        message: `Retried by Ada from ${step}`,
        from: step,
      });
    },
  );

  it("begins at the step that was named, and keeps what later ones yielded out of it", async () => {
    await failIn("verify_tiles");
    expect(await retry({ from: "generate_release" })).toMatchObject({ from: "generate_release" });
    expect(Object.keys(given()?.carried ?? {})).toEqual(["validate"]);
    expect(await statuses()).toEqual(["done", "pending", "pending", "pending", "pending"]);
    // That one fails sooner: what upload yielded in the first generation is not behind it any more.
    await failIn("generate_release", "G", { from: "generate_release", generation: 2 });
    await expect(retry({ from: "upload" })).rejects.toMatchObject({
      code: "retry_step_not_reached",
      message: `A retry of job ${job} cannot begin at upload: generate_release has not finished.`,
    });
    expect(await retry()).toEqual({
      generation: 3,
      from: "generate_release",
      message: expect.stringContaining("from generate_release"),
    });
  });

  it("from a step that was not reached, or that there is none of, is refused and changes nothing", async () => {
    await failIn("generate_release");
    const before = await protocol.state(job);
    await expect(retry({ from: "verify_tiles" })).rejects.toMatchObject({ code: "retry_step_not_reached" });
    await expect(retry({ from: "bake" })).rejects.toMatchObject({
      code: "retry_step_unknown",
      facts: { steps: STEPS.join(", ") },
    });
    expect(await protocol.state(job)).toEqual(before);
  });

  it("of a draft that was edited since begins at validate, and says so", async () => {
    await failIn("upload");
    await edit();
    expect(await retry({ from: "upload" })).toEqual({
      generation: 2,
      from: "validate",
      message: expect.stringContaining("from validate"),
    });
    expect(given()).not.toHaveProperty("carried");
    expect(await statuses()).toEqual(STEPS.map(() => "pending"));
    expect((await ledger(protocol.room, job)).at(-1)?.data["message"]).toBe(
      "Retried by Ada from validate: the draft was edited since it was validated",
    );
  });

  it("whose draft is edited before its run could be started gives the run nothing", async () => {
    await failIn("upload");
    const { start } = protocol.temporal;
    protocol.temporal.start = () => Promise.reject(new Error("Temporal is down"));
    await retry();
    protocol.temporal.start = start;
    await startJob(protocol.room.deps, job, 2);
    expect(Object.keys(given()?.carried ?? {})).toEqual(["validate", "generate_release"]);
    await edit();
    await startJob(protocol.room.deps, job, 2);
    expect(given()).not.toHaveProperty("carried");
    // It begins at the first step, and the row with it.
    await workUpTo("validate", "G", { generation: 2, revision: 2 });
    expect(await statuses()).toEqual(["running", "pending", "pending", "pending", "pending"]);
  });

  it("never carries what a run of an older revision left behind", async () => {
    await failIn("upload");
    await edit();
    await retry();
    await failIn("mark_published", "G", { generation: 2, revision: 2 });
    // An operator resets the first run to its upload: it works on what it validated then, whatever the draft is now.
    protocol.temporal.current = { run_id: "R", open: true, status: "RUNNING", reset: true, generation: 1 };
    const who = (at: number) => attemptOf(job, "R", at, { reset: true });
    const upload = await protocol.grip(who(100), "upload");
    await leaveStep(protocol.room.deps, upload, "upload", "done", { revision: 1, result: { by: "upload of R" } });
    await settleJob(protocol.room.deps, await protocol.grip(who(101), "verify_tiles"), FAILED);
    expect(await retry()).toEqual({ generation: 4, from: "upload", message: expect.stringContaining("from upload") });
    expect(given()?.carried).toEqual({
      validate: { revision: 2, by: "validate of G" },
      generate_release: { revision: 2, by: "generate_release of G" },
    });
  });

  it("of a job whose results were not kept begins at the first step without one, and says so", async () => {
    await failIn("verify_tiles");
    await query(
      protocol.room.database.em.fork(),
      `delete from job_step_results where job_id = $1 and step = 'generate_release'`,
      [job],
    );
    expect(await retry()).toMatchObject({ from: "generate_release" });
    expect((await jobRow(protocol.room, job)).progress).toBe(10);
    expect((await ledger(protocol.room, job)).at(-1)?.data["message"]).toBe(
      "Retried by Ada from generate_release: what generate_release yielded was not kept",
    );
  });

  it("of a job that ended between two steps begins at the second", async () => {
    const grip = await protocol.grip(attemptOf(job, "F", 1), "validate");
    await leaveStep(protocol.room.deps, grip, "validate", "done", { revision: 1, result: { revision: 1 } });
    const between = await protocol.grip(attemptOf(job, "F", 2), null);
    await settleJob(protocol.room.deps, between, FAILED);
    expect(await statuses()).toEqual(["done", "pending", "pending", "pending", "pending"]);
    expect(await retry()).toMatchObject({ from: "generate_release" });
  });

  it("of a retry that was cancelled before it ran begins where that one would have begun", async () => {
    await failIn("upload");
    await retry({ from: "generate_release" });
    await cancelJob(protocol.room.deps, { job_id: job, by: protocol.room.principal });
    expect(await retry()).toEqual({
      generation: 3,
      from: "generate_release",
      message: expect.stringContaining("from generate_release"),
    });
  });

  it("of a generation that the job is beyond is refused", async () => {
    await failIn("upload");
    expect(await retry({ seen: 1 })).toMatchObject({ generation: 2 });
    await failIn("upload", "G", { from: "upload", generation: 2 });
    const before = await protocol.state(job);
    await expect(retry({ seen: 1 })).rejects.toMatchObject({ code: "job_changed", facts: { generation: 2, seen: 1 } });
    expect(await protocol.state(job)).toEqual(before);
    expect(await retry({ seen: 2 })).toMatchObject({ generation: 3 });
  });

  it("opens one generation, however many are asked for at once", async () => {
    await failIn("upload");
    const answers = await Promise.allSettled(Array.from({ length: 8 }, () => retry()));
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await jobRow(protocol.room, job)).toMatchObject({ status: "queued", generation: 2 });
    const refusals = answers.flatMap((each) => (each.status === "rejected" ? [each.reason.code] : []));
    expect(new Set(refusals)).toEqual(new Set(["job_not_retryable"]));
  });
});
