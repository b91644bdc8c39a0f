import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { query } from "../../src/db.ts";
import { countOpenJobs } from "../../src/jobs/open-jobs-store.ts";
import { writeProgress } from "../../src/jobs/progress-store.ts";
import { noteNoWorker } from "../../src/jobs/attention/no-worker.ts";
import { noteStalled } from "../../src/jobs/attention/stalled.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { noteGoesOn } from "../../src/jobs/attention/interruptions.ts";
import { reconcileJob } from "../../src/jobs/protocol/reconcile.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
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
    await describeAs({ ...failing, ...pausedActivity });
    expect(await code()).toBe("stuck");
  });

  it("is what a job is that is not stuck any more: both are told, one after the other", async () => {
    await run();
    await describeAs({ ...failing, ...pausedActivity });
    await describeAs(pausedActivity);
    await describeAs(pausedActivity);
    expect(await noted()).toEqual(["stuck warn", "stuck info", "paused warn"]);
  });

  it("refuses progress only while it stands: an attempt that never hears of it goes on telling of its own", async () => {
    const grip = await run();
    const report = async (number: number, message: string) => {
      const told = { job_id: job, generation: 1, attempt_at: grip.attempt_at, report: number, progress: 40, message };
      await writeProgress(protocol.room.database.em.fork(), [told]);
      return (await row()).message;
    };
    expect(await report(1, "64 of 340 tiles")).toBe("64 of 340 tiles");
    await describeAs(pausedActivity);
    expect(await report(2, "128 of 340 tiles")).toMatch(/^Paused in Temporal/);
    await describeAs({});
    expect(await report(3, "192 of 340 tiles")).toBe("192 of 340 tiles");
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

  it("is no job that waits for a child: it is again one once that has ended", async () => {
    await run();
    await sql("update jobs set last_activity_at = now() - interval '1 hour' where id = $1", [job]);
    const child = await queueJob(protocol.room, await createDraft(protocol.room));
    await sql("update jobs set parent_id = $1, member_key = 'tiles' where id = $2", [job, child]);
    await noteStalled(protocol.room.deps);
    expect(await code()).toBeUndefined();
    await sql("update jobs set status = 'failed' where id = $1", [child]);
    await noteStalled(protocol.room.deps);
    expect(await code()).toBe("stalled");
    await sql("update jobs set status = 'queued' where id = $1", [child]);
    await noteStalled(protocol.room.deps);
    expect(await code()).toBeUndefined();
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

  it("is no job that has just been reopened, however long ago it ran", async () => {
    const { deps } = protocol.room;
    await run();
    await quietFor(86_400);
    protocol.temporal.current = runOf("A", { reset: true });
    expect(await reconcileJob(deps, job)).toBe("adopt");
    expect(await noteStalled(deps)).toBe(0);
    await sql(`update jobs set status = 'failed' where id = $1`, [job]);
    await quietFor(86_400);
    await retryJob(deps, { job_id: job, by: protocol.room.principal });
    const [queued] = await countOpenJobs(protocol.room.database.em.fork());
    expect(queued).toMatchObject({ status: "queued", count: 1 });
    expect(queued?.oldest_seconds).toBeLessThan(60);
  });

  it.each(["paused", "no_worker"])("is no job that has been %s until now: it may wait for a slot", async (kept) => {
    const { deps } = protocol.room;
    await run();
    if (kept === "paused") await describeAs(pausedActivity);
    await sql(`update jobs set updated_at = now() - interval '6 seconds' where id = $1`, [job]);
    protocol.temporal.polled = "nobody";
    expect(await noteNoWorker(deps)).toBe(kept === "paused" ? 0 : 1);
    await quietFor(600);
    protocol.temporal.polled = "somebody";
    await noteNoWorker(deps);
    await describeAs({});
    expect(await code()).toBeUndefined();
    expect(await noteStalled(deps)).toBe(0);
    await quietFor(121);
    expect(await noteStalled(deps)).toBe(1);
  });

  it("is told of many jobs at once, each in its own ledger", async () => {
    const others = await Promise.all(
      Array.from({ length: 3 }, async () => queueJob(protocol.room, await createDraft(protocol.room))),
    );
    await sql(
      `update jobs set status = 'running', step = 'upload', last_activity_at = now() - interval '10 minutes' where id = any($1)`,
      [others],
    );
    expect(await noteStalled(protocol.room.deps)).toBe(3);
    for (const other of others) {
      expect((await ledger(protocol.room, other)).at(-1)).toMatchObject({
        kind: "log",
        data: { attention: "stalled", step: "upload" },
      });
    }
    await sql(`update jobs set last_activity_at = now() where id = any($1)`, [others]);
    expect(await noteStalled(protocol.room.deps)).toBe(3);
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

  it("is no job that is taken up while Temporal is asked", async () => {
    await quiet();
    const executions = {
      ...protocol.temporal,
      async polling() {
        await run();
        return "nobody" as const;
      },
    };
    expect(await noteNoWorker({ ...protocol.room.deps, executions })).toBe(0);
    expect(await row()).toMatchObject({ status: "running", attention: null });
  });

  it("leaves a queued job as old as it is", async () => {
    protocol.temporal.polled = "nobody";
    await quiet();
    await noteNoWorker(protocol.room.deps);
    protocol.temporal.polled = "somebody";
    expect(await noteNoWorker(protocol.room.deps)).toBe(1);
    const [age] = await sql(`select last_activity_at from jobs where id = $1`, [job]);
    expect(age).toEqual({ last_activity_at: null });
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

describe("an attempt whose worker died", () => {
  const next = "2026-01-01T00:00:15.000Z";
  const backOff = (attempt: number, name = "upload") => ({
    activity: {
      ...{ name, attempt, state: "scheduled" as const, next_attempt_at: next, last_failure: "heartbeat timeout" },
      paused: null,
    },
  });
  const tried = async () => {
    const [found] = await sql(`select attempt, next_attempt_at from jobs where id = $1`, [job]);
    const at = found?.["next_attempt_at"] as string | null;
    return [found?.["attempt"], at && new Date(at).toISOString()];
  };

  it("has its number in the row, and the next one's time until that one enters", async () => {
    await run();
    await describeAs(backOff(3));
    expect(await tried()).toEqual([2, next]);
    const { events } = await protocol.state(job);
    await describeAs(backOff(3));
    expect((await protocol.state(job)).events).toBe(events);
    await protocol.grip(attemptOf(job, "F", 3, { number: 3 }), "upload");
    expect(await tried()).toEqual([3, null]);
  });

  it("has its number in the row whatever its step's activity is called", async () => {
    await sql(`update jobs set job_type = 'tile_generation' where id = $1`, [job]);
    await protocol.grip(attemptOf(job, "F", 1), "generate");
    await describeAs(backOff(3, "generateTiles"));
    expect(await tried()).toEqual([2, next]);
  });

  it("of another activity leaves the step's number alone, and a reset of the activity does not take it back", async () => {
    await protocol.grip(attemptOf(job, "F", 4, { number: 4 }), "upload");
    await describeAs(backOff(7, "settle"));
    expect(await tried()).toEqual([4, next]);
    await describeAs(backOff(1));
    expect(await tried()).toEqual([4, next]);
  });

  it("is nothing that a look from before the next one entered can write", async () => {
    await run();
    protocol.temporal.whileDescribing = () => protocol.grip(attemptOf(job, "F", 2, { number: 2 }), "upload");
    await describeAs(backOff(2));
    expect(await tried()).toEqual([2, null]);
  });
});
