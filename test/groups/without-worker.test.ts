/** A group that nobody is there to stop: its members are stopped before it says so, and none of them goes on later. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { query } from "../../src/db.ts";
import { readReceipt } from "../../src/jobs/cancellation-receipt.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { expectNothingPublic, expectSoundLedger, sourceTile } from "../support/chaos-room.ts";
import { jobRow, until, type Draft } from "../support/publishing.ts";
import { HELD_WORKER, holdBack, type StuckFile } from "../support/stuck-file.ts";
import { asked, createGroupRoom, nothing, type GroupRoom } from "./group-room.ts";

let groups: GroupRoom;
beforeAll(async () => {
  groups = await createGroupRoom();
});
afterEach(() => groups?.room.killWorkers());
afterAll(() => groups?.room.close());

const receiptOf = (id: string) =>
  readReceipt(groups.room.database.em.fork(), { id, tenant_id: groups.room.principal.tenant_id });
const sql = (text: string, id: string) => query(groups.room.database.em.fork(), text, [id]);

interface Begun {
  group: string;
  publish: string;
  draft: Draft;
  held: Pick<StuckFile, "restore">;
}

/** A group whose publish is in its upload when the only worker dies; another member waits for it. */
async function leftAlone(): Promise<Begun> {
  const worker = await groups.room.worker({ entry: HELD_WORKER });
  const publish = await groups.publishOf("publish");
  const held = await holdBack(await sourceTile(groups.room, publish.draft, 0));
  const group = await groups.begin({ members: [asked(publish), nothing("after", "publish")] });
  const job = await until("the publish to upload", async () => {
    const { job_id, status } = await groups.member(group, "publish");
    return status !== null && (await jobRow(groups.room, job_id)).step === "upload" && job_id;
  });
  await worker.kill();
  return { group, publish: job, draft: publish.draft, held };
}

/** The member has ended before the group did, and a worker that comes back publishes nothing. */
async function expectStoppedInOrder({ group, publish, draft, held }: Begun): Promise<void> {
  const recorder = groups.room.record(draft);
  await groups.room.ended(group);
  expect(await groups.states(group)).toEqual({ publish: "cancelled", after: null });
  expect(await endings(group)).toEqual([publish, group]);
  const before = [await jobRow(groups.room, group), await jobRow(groups.room, publish)];

  await held.restore();
  await groups.room.worker();
  // Whatever the worker was to do for them it would do before what comes now.
  const other = await groups.publishOf("other");
  const later = await groups.begin({ members: [asked(other)] });
  expect(await groups.room.ended(later)).toMatchObject({ status: "completed" });
  expect([await jobRow(groups.room, group), await jobRow(groups.room, publish)]).toEqual(before);
  await expectNothingPublic(groups.room, draft, recorder);
}

/** The group and its members in the order in which they ended. */
async function endings(group: string): Promise<unknown[]> {
  const rows = await sql(`select id from jobs where id = $1 or parent_id = $1 order by completed_at`, group);
  return rows.map(({ id }) => id);
}

describe("a group without a worker", { timeout: 120_000 }, () => {
  it("is cancelled in time, after its members, each with a receipt", async () => {
    const begun = await leftAlone();
    await cancelJob(groups.room.deps, {
      ...{ job_id: begun.group, by: groups.room.principal, reason: "not now", deadline_seconds: 1 },
    });
    await expectStoppedInOrder(begun);
    for (const id of [begun.group, begun.publish])
      expect(await receiptOf(id)).toMatchObject({ stage: "compensated", outcome: "cancelled", requested_by: "Ada" });
    await expectSoundLedger(groups.room, begun.group, ["cancelled"]);
    await expectSoundLedger(groups.room, begun.publish, ["cancelled"]);
  });

  it("fails for its deadline after its members have been cancelled", async () => {
    const begun = await leftAlone();
    await sql(
      `update jobs set deadline_at = now() - interval '2 s', deadline_stop_at = now() - interval '1 s' where id = $1`,
      begun.group,
    );
    await expectStoppedInOrder(begun);
    expect(await jobRow(groups.room, begun.group)).toMatchObject({
      status: "failed",
      error_code: "deadline_exceeded",
    });
  });

  it("does not wait for a member that has switched, which nobody can stop", async () => {
    const begun = await leftAlone();
    await sql(`update jobs set switched_at = now() where id = $1`, begun.publish);
    await cancelJob(groups.room.deps, { job_id: begun.group, by: groups.room.principal, deadline_seconds: 1 });
    expect(await groups.room.ended(begun.group)).toMatchObject({ status: "cancelled" });
    expect(await jobRow(groups.room, begun.publish)).toMatchObject({ status: "running", cancel_requested_at: null });
  });
});
