/** Progress of many jobs in one statement: what one of them holds up must not stop the others. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { queryOne, transaction } from "../../src/db.ts";
import { lockJob } from "../../src/jobs/job-store.ts";
import { createProgressMirror } from "../../src/jobs/progress-mirror.ts";
import { leaveStep } from "../../src/jobs/protocol/ledger-writes.ts";
import { attemptOf, createProtocolRoom, type ProtocolRoom } from "../support/protocol-room.ts";
import { until } from "../support/publishing.ts";

let protocol: ProtocolRoom;

beforeAll(async () => {
  protocol = await createProtocolRoom();
});
afterAll(() => protocol?.room.close());

async function messageOf(job: string): Promise<string | undefined> {
  const db = protocol.room.database.em.fork();
  return (await queryOne<{ message: string }>(db, `select message from jobs where id = $1`, [job]))?.message;
}

it("a job whose row is held keeps no other job from its next step, and gets its progress once it is let go", async () => {
  const { database } = protocol.room;
  const [held, other] = [await protocol.renew(), await protocol.renew()];
  const mirror = createProgressMirror({ ...protocol.room.deps, tickMs: 10 });
  const [grip, otherGrip] = [
    await protocol.grip(attemptOf(held.job, "F", 1)),
    await protocol.grip(attemptOf(other.job, "F", 1)),
  ];
  // A frozen gateway, or a commit that waits for its disk. Of the two ids it is the higher one, locked last by a batch in order.
  const [locked, free] = held.job > other.job ? [grip, otherGrip] : [otherGrip, grip];
  await transaction(database, async (tx) => {
    await lockJob(tx, locked.job_id);
    for (const each of [grip, otherGrip]) mirror.report({ ...each, report: 1, progress: 3, message: "half-way" });
    await until("the other job's progress", async () => (await messageOf(free.job_id)) === "half-way", 3_000);
    await leaveStep(protocol.room.deps, free, "validate", "Valid");
  });
  await until("the held job's progress", async () => (await messageOf(locked.job_id)) === "half-way", 3_000);
  expect(await messageOf(free.job_id)).toBe("Valid");
  await mirror.stop();
});
