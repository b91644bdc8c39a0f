/** What a single statement writes is fenced by the row itself: each demand alone keeps a write out. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { query, queryOne, transaction } from "../../src/db.ts";
import { writeJob } from "../../src/jobs/job-writes-store.ts";
import { finishedStep } from "../../src/jobs/protocol/attempt.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { finishJob } from "../../src/jobs/protocol/finish.ts";
import { published } from "../../src/jobs/protocol/project.ts";
import { leaveStep, logEntry } from "../../src/jobs/protocol/ledger-writes.ts";
import { attemptOf, createProtocolRoom, type ProtocolRoom } from "../support/protocol-room.ts";
import { jobRow, until } from "../support/publishing.ts";

let protocol: ProtocolRoom;
let job: string;

beforeAll(async () => {
  protocol = await createProtocolRoom();
});
afterAll(() => protocol?.room.close());
beforeEach(async () => ({ job } = await protocol.renew()));

const RESULT = {
  release_id: "rel_1",
  release_url: "/dev/town/release.json",
  overlay_count: 2,
  tile_count: 3,
  digest: "d".repeat(64),
  published_at: "2026-01-01T00:00:00.000Z",
};

describe("an attempt whose row has moved on", () => {
  it.each([
    { column: "status", change: "status = 'queued'" },
    { column: "run_id", change: "run_id = 'A'" },
    { column: "generation", change: "generation = 2" },
    { column: "attempt_at", change: "attempt_at = 2" },
  ])("writes nothing, and is told apart by $column alone", async ({ change }) => {
    const { deps, database } = protocol.room;
    const grip = await protocol.grip(attemptOf(job, "F", 1));
    await query(database.em.fork(), `update jobs set ${change} where id = $1`, [job]);
    const before = await protocol.state(job);
    const superseded = { code: "superseded" };
    await expect(leaveStep(deps, grip, "validate", "late")).rejects.toMatchObject(superseded);
    await expect(logEntry(deps, grip, { level: "info", message: "late" })).rejects.toMatchObject(superseded);
    await expect(finishJob(deps, grip, published(RESULT, "dev"))).rejects.toMatchObject(superseded);
    expect(await protocol.state(job)).toEqual(before);
  });
});

describe("an attempt that enters", () => {
  it("having decided on a row that has changed since decides again", async () => {
    const { deps, database } = protocol.room;
    const { held } = await protocol.grip(attemptOf(job, "F", 1));
    const entering = await transaction(database, async (tx) => {
      await query(tx, `select 1 from jobs where id = $1 for update`, [job]);
      const entered = enterStep(deps, attemptOf(job, "F", 2), { step: "generate_release", message: "next" });
      await until("the one that enters to wait for the row", () => somebodyWaits());
      // As the attempt before it would, whose answer to Temporal was lost.
      const steps = finishedStep(held.steps, "validate", "done");
      await writeJob(tx, job, { steps }, [{ kind: "log", data: { level: "info", message: "Valid" } }]);
      return { entered };
    });
    await expect(entering.entered).resolves.toMatchObject({ kind: "entered" });
    const row = await jobRow(protocol.room, job);
    expect(row.steps.slice(0, 2)).toMatchObject([{ status: "done" }, { status: "running" }]);
  });
});

const somebodyWaits = () =>
  queryOne(
    protocol.room.database.em.fork(),
    `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
