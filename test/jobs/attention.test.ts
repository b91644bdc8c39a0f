import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { query } from "../../src/db.ts";
import { noteNoWorker } from "../../src/jobs/attention/no-worker.ts";
import { noteStalled } from "../../src/jobs/attention/stalled.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { noteGoesOn } from "../../src/jobs/attention/interruptions.ts";
import { reconcileJob } from "../../src/jobs/protocol/reconcile.ts";
import { settleJob } from "../../src/jobs/protocol/settle.ts";
import type { Execution } from "../../src/temporal.ts";
import { attemptOf, createProtocolRoom, runOf, type ProtocolRoom } from "../support/protocol-room.ts";
import { createDraft, jobRow, ledger, queueJob } from "../support/publishing.ts";

let protocol: ProtocolRoom;
let job: string;

beforeAll(async () => {
  protocol = await createProtocolRoom();
});
afterAll(() => protocol?.room.close());
beforeEach(async () => {
  await sql("update jobs set status = 'failed' where status in ('queued', 'running')");
  ({ job } = await protocol.renew());
});

const sql = (text: string, params: unknown[] = []) => query(protocol.room.database.em.fork(), text, params);
const row = () => jobRow(protocol.room, job);
const code = async (): Promise<string | undefined> => (await row()).attention?.code;
/** What the log says of attention: code and level. */
const noted = async (): Promise<string[]> =>
  (await ledger(protocol.room, job))
    .filter(({ data }) => data["attention"])
    .map(({ data }) => `${String(data["attention"])} ${String(data["level"])}`);
const describeAs = async (more: Partial<Execution>) => {
  protocol.temporal.current = runOf("F", more);
  await reconcileJob(protocol.room.deps, job);
};
const failing = { workflow_task: { attempt: 3, since: "2026-01-01T00:00:10Z" } };
const pausedActivity = {
  activity: {
    ...{ name: "upload", attempt: 1, state: "paused" as const, next_attempt_at: null },
    paused: { by: "ada@web-ui", reason: "lunch" },
  },
};
const run = () => protocol.grip(attemptOf(job, "F", 1), "upload");

describe("stuck", () => {
  it("is what a job is whose workflow task fails for the third time, until it goes on; both are told once", async () => {
    await run();
    protocol.temporal.trouble = { since: "2026-01-01T00:00:00.000Z", cause: "NON_DETERMINISTIC_ERROR", message: "Oh." };
    await describeAs({ workflow_task: { attempt: 2, since: null } });
    expect(await code()).toBeUndefined();
    await describeAs(failing);
    await describeAs(failing);
    const { status, message, attention } = await row();
    expect({ status, since: attention?.since }).toEqual({ status: "running", since: "2026-01-01T00:00:00.000Z" });
    expect(message).toBe(attention?.message);
    expect(message).toContain("has failed 2 times and is tried again: Oh (NON_DETERMINISTIC_ERROR). Deploy workers");
    await describeAs({});
    expect(await noted()).toEqual(["stuck warn", "stuck info"]);
    expect(await row()).toMatchObject({ attention: null, message: "The workflow goes on." });
  });

  it("is told of a queued job, too: no worker could begin it", async () => {
    protocol.temporal.trouble = null;
    await describeAs(failing);
    expect(await row()).toMatchObject({ status: "queued", attention: { code: "stuck" } });
  });

  it("is nothing that a look from before the job went on can write", async () => {
    const grip = await run();
    protocol.temporal.whileDescribing = () =>
      settleJob(protocol.room.deps, grip, { status: "failed", code: "internal", message: "no luck" });
    await describeAs(failing);
    expect(await row()).toMatchObject({ status: "failed", attention: null });
  });

  it("ends with the job", async () => {
    await describeAs(failing);
    protocol.temporal.current = runOf("F", { open: false, status: "TERMINATED" });
    await reconcileJob(protocol.room.deps, job);
    expect(await row()).toMatchObject({ status: "cancelled", attention: null });
  });
});

describe("paused", () => {
  it("says who and why, stays what the job shows, and ends when it goes on", async () => {
    await run();
    await describeAs(pausedActivity);
    expect(await row()).toMatchObject({ attention: { code: "paused" }, status: "running", step: "upload" });
    expect((await row()).message).toMatch(/^Paused in Temporal by ada@web-ui \(lunch\)\./);
    await describeAs({});
    expect(await noted()).toEqual(["paused warn", "paused info"]);
    expect((await row()).message).toBe("Unpaused in Temporal: the step goes on.");
  });

  it("is ended by the attempt that enters, once, whoever is first", async () => {
    await run();
    await describeAs(pausedActivity);
    const entered = await enterStep(protocol.room.deps, attemptOf(job, "F", 2), { step: "upload", message: "again" });
    if (entered.kind !== "entered") throw new Error(entered.kind);
    await noteGoesOn(protocol.room.deps, entered.grip, { row: entered.row, again: entered.again, attempt: 2 });
    await describeAs({});
    expect(await noted()).toEqual(["paused warn", "paused info"]);
  });

  it("does not hide that the job is stuck", async () => {
    await describeAs(failing);
    await describeAs({ ...pausedActivity });
    expect(await code()).toBe("stuck");
  });
});

describe("stalled", () => {
  const quietFor = (seconds: number) =>
    sql(`update jobs set last_activity_at = now() - make_interval(secs => $2) where id = $1`, [job, seconds]);

  it("is a step without progress for longer than its limit, however much its row is written to", async () => {
    const grip = await run();
    await quietFor(119);
    expect(await noteStalled(protocol.room.deps)).toBe(0);
    await quietFor(121);
    await sql(`update jobs set updated_at = now(), message = '12 of 340 tiles' where id = $1`, [job]);
    expect(await noteStalled(protocol.room.deps)).toBe(1);
    expect(await noteStalled(protocol.room.deps)).toBe(0);
    expect(await row()).toMatchObject({ attention: { code: "stalled" }, message: "12 of 340 tiles" });
    expect((await row()).attention?.message).toContain("is expected to tell of some every 120 s");
    await sql(`update jobs set last_activity_at = now() where id = $1`, [job]);
    expect(await noteStalled(protocol.room.deps)).toBe(1);
    expect(await noted()).toEqual(["stalled warn", "stalled info"]);
    expect(grip.held.step).toBe("upload");
  });

  it("has a limit per step", async () => {
    await protocol.grip(attemptOf(job, "F", 1), "validate");
    await quietFor(61);
    expect(await noteStalled(protocol.room.deps)).toBe(1);
  });

  it("is no queued job, and none that is known to be paused", async () => {
    await quietFor(10_000);
    expect(await noteStalled(protocol.room.deps)).toBe(0);
    await run();
    await describeAs(pausedActivity);
    await quietFor(10_000);
    expect(await noteStalled(protocol.room.deps)).toBe(0);
    expect(await code()).toBe("paused");
  });
});

describe("no_worker", () => {
  const quiet = () => sql(`update jobs set updated_at = now() - interval '6 seconds' where id = $1`, [job]);

  it("is what waits while nobody polls, until somebody does", async () => {
    protocol.temporal.polled = "nobody";
    expect(await noteNoWorker(protocol.room.deps)).toBe(0);
    await quiet();
    expect(await noteNoWorker(protocol.room.deps)).toBe(1);
    expect(await row()).toMatchObject({ status: "queued", attention: { code: "no_worker" } });
    protocol.temporal.polled = "unknown";
    await quiet();
    expect(await noteNoWorker(protocol.room.deps)).toBe(0);
    protocol.temporal.polled = "somebody";
    expect(await noteNoWorker(protocol.room.deps)).toBe(1);
    expect(await noted()).toEqual(["no_worker warn", "no_worker info"]);
  });

  it("asks Temporal only where jobs are quiet", async () => {
    let asked = 0;
    const executions = {
      ...protocol.temporal,
      async polling() {
        asked += 1;
        return "nobody" as const;
      },
    };
    await queueJob(protocol.room, await createDraft(protocol.room));
    await noteNoWorker({ ...protocol.room.deps, executions });
    expect(asked).toBe(0);
  });
});
