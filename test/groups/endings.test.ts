/**
 * Cancelling a group and its members, and running again what was not done, on the real server. Members wait for a worker of their queue,
 * or in their work, until the test says so.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CancellationReceipt } from "../../contract/cancellation.ts";
import { query } from "../../src/db.ts";
import { readReceipt } from "../../src/jobs/cancellation-receipt.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { previewRetry } from "../../src/jobs/retry-preview.ts";
import { replaceConfig } from "../../src/projects/content-store.ts";
import { expectSoundLedger, sourceTile } from "../support/chaos-room.ts";
import { jobRow, ledger, until } from "../support/publishing.ts";
import { HELD_WORKER, holdBack } from "../support/stuck-file.ts";
import { asked, countsOf, createGroupRoom, CROOKED, endsTold, nothing, type GroupRoom } from "./group-room.ts";

let groups: GroupRoom;
beforeAll(async () => {
  groups = await createGroupRoom();
  // Serves groups and publishes: what does nothing has no worker yet.
  await groups.room.worker({ entry: HELD_WORKER, settings: { PLATEN_WORKER_QUEUES: "publish" } });
});

let served = false;
/** From then on what does nothing is done at once. */
async function serveAll(): Promise<void> {
  if (!served)
    await groups.room.worker({ entry: HELD_WORKER, settings: { PLATEN_WORKER_QUEUES: "publish,maintenance" } });
  served = true;
}
const by = () => groups.room.principal;
const ended = (group: string, generation = 1) =>
  until(
    `generation ${generation} of the group to end`,
    async () => {
      const row = await jobRow(groups.room, group);
      return row.generation === generation && row.status !== "queued" && row.status !== "running" && row;
    },
    40_000,
  );
const receiptOf = (id: string): Promise<CancellationReceipt | null> =>
  readReceipt(groups.room.database.em.fork(), { id, tenant_id: by().tenant_id });
const begun = (group: string, key: string) =>
  until(
    `member ${key} to be begun`,
    async () => (await groups.states(group))[key] !== null && groups.member(group, key),
  );

/** A publish that stands in its upload until it is let go. */
async function heldPublish(key: string) {
  const member = await groups.publishOf(key);
  return { member: asked(member), held: await holdBack(await sourceTile(groups.room, member.draft, 0)) };
}
const inUpload = (group: string, key: string) =>
  until(`member ${key} to upload`, async () => {
    const { job_id, status } = await groups.member(group, key);
    return status !== null && (await jobRow(groups.room, job_id)).step === "upload" && job_id;
  });

afterAll(() => groups?.room.close());

describe("the cancel of a group", { timeout: 90_000 }, () => {
  it("cancels its open members, each with a receipt that says why, and begins no other", async () => {
    const { member } = await heldPublish("running");
    const group = await groups.begin({ members: [member, nothing("waiting"), nothing("never", "waiting")] });
    const running = await inUpload(group, "running");
    const { job_id: waiting } = await begun(group, "waiting");
    await cancelJob(groups.room.deps, { job_id: group, by: by(), reason: "not now", deadline_seconds: 60 });
    expect(await ended(group)).toMatchObject({ status: "cancelled", error_code: "cancelled" });
    expect(await groups.states(group)).toEqual({ running: "cancelled", waiting: "cancelled", never: null });
    const receipt = { stage: "compensated", requested_by: "Ada", outcome: "cancelled" };
    for (const id of [running, waiting])
      expect(await receiptOf(id)).toMatchObject({ ...receipt, reason: "its group is cancelled: not now" });
    expect(await receiptOf(group)).toMatchObject({ ...receipt, reason: "not now" });
    expect((await endsTold(groups, group)).toSorted()).toEqual(["running cancelled", "waiting cancelled"]);
    expect(await countsOf(groups, group)).toEqual({ cancelled: 3 });
    await expectSoundLedger(groups.room, group, ["cancelled"]);
  });

  it("in Temporal does the same", async () => {
    const group = await groups.begin({ members: [nothing("waiting"), nothing("never", "waiting")] });
    const { job_id } = await begun(group, "waiting");
    await groups.room.temporal.client.workflow.getHandle(`group-${group}`).cancel();
    expect(await ended(group)).toMatchObject({ status: "cancelled" });
    expect(await groups.states(group)).toEqual({ waiting: "cancelled", never: null });
    expect(await receiptOf(job_id)).toMatchObject({ stage: "compensated", reason: "its group is cancelled" });
  });
});

describe("the cancel of a member", { timeout: 90_000 }, () => {
  it("counts as its failure", async () => {
    const group = await groups.begin({ members: [nothing("waiting"), nothing("never", "waiting")] });
    const { job_id } = await begun(group, "waiting");
    await cancelJob(groups.room.deps, { job_id, by: by() });
    expect(await ended(group)).toMatchObject({ status: "failed", error_code: "member_failed" });
    expect(await groups.states(group)).toEqual({ waiting: "cancelled", never: null });
    expect((await jobRow(groups.room, group)).result?.["members"]).toMatchObject([
      { key: "waiting", status: "cancelled", code: "cancelled" },
      { key: "never", status: "cancelled", code: "not_begun" },
    ]);
  });
});

describe("a member that is retried by hand", { timeout: 90_000 }, () => {
  it("is followed by the group that still runs: what depends on it begins", async () => {
    const crooked = await groups.publishOf("publish", { overlays: [{}, ...(CROOKED.overlays ?? [])] });
    const members = [asked(crooked), nothing("after", "publish"), nothing("waiting")];
    const group = await groups.begin({ members, on_failure: "continue" });
    await until("the failure to be told", async () => (await endsTold(groups, group)).includes("publish failed"));
    const { job_id } = await groups.member(group, "publish");
    await query(
      groups.room.database.em.fork(),
      `with gone as (delete from overlays where version_id = $1 and ref = 'plot-2')
       update versions set revision = revision + 1 where id = $1`,
      [crooked.draft.version_id],
    );
    await retryJob(groups.room.deps, { job_id, by: by() });
    await until("the retry to be done", async () => (await groups.states(group))["publish"] === "completed");
    await begun(group, "after");
    await serveAll();
    expect(await ended(group)).toMatchObject({ status: "completed" });
    expect((await endsTold(groups, group)).toSorted()).toEqual([
      "after completed",
      "publish completed",
      "publish failed",
      "waiting completed",
    ]);
  });
});

describe("a retry of a group", { timeout: 90_000 }, () => {
  it("runs again what was not done, and what was skipped because of it, and nothing that is done", async () => {
    await serveAll();
    const unready = await groups.publishOf("publish", { config: null });
    const members = [asked(unready), nothing("done"), nothing("after", "publish")];
    const group = await groups.begin({ members, on_failure: "continue" });
    expect(await ended(group)).toMatchObject({ status: "partially_completed" });
    const done = await groups.member(group, "done");
    const before = await ledger(groups.room, done.job_id);

    const { version_id, tenant_id } = unready.draft;
    await replaceConfig(groups.room.database.em.fork(), { version_id, tenant_id }, { title: "Town" });
    const { tenant_id: tenant } = by();
    const foretold = await previewRetry(groups.room.deps, { job_id: group, tenant_id: tenant });
    expect(foretold).toMatchObject({
      ...{ allowed: true, from: "run_members", reuse: { members: 1 }, run_again: { members: 2 } },
      members: {
        done: { keys: ["done"] },
        again: { keys: ["publish"] },
        skipped: { keys: ["after"] },
        open: { count: 0 },
      },
    });
    await retryJob(groups.room.deps, { job_id: group, by: by() });
    expect(await ended(group, 2)).toMatchObject({ status: "completed" });
    expect(await groups.states(group)).toEqual({ publish: "completed", done: "completed", after: "completed" });
    expect(await ledger(groups.room, done.job_id)).toEqual(before);
    expect(await endsTold(groups, group)).toHaveLength(4);
    await expectSoundLedger(groups.room, group, ["partially_completed", "completed"]);
  });

  it("opens the next generation of members that were cancelled", async () => {
    const { member, held } = await heldPublish("publish");
    const group = await groups.begin({ members: [member, nothing("after", "publish")] });
    const job = await inUpload(group, "publish");
    await cancelJob(groups.room.deps, { job_id: group, by: by() });
    expect(await ended(group)).toMatchObject({ status: "cancelled" });
    await held.restore();
    await serveAll();
    await retryJob(groups.room.deps, { job_id: group, by: by() });
    expect(await ended(group, 2)).toMatchObject({ status: "completed" });
    expect(await jobRow(groups.room, job)).toMatchObject({ status: "completed", generation: 2 });
    expect(await endsTold(groups, group)).toEqual(["publish cancelled", "publish completed", "after completed"]);
    await expectSoundLedger(groups.room, group, ["cancelled", "completed"]);
    await expectSoundLedger(groups.room, job, ["cancelled", "completed"]);
  });
});
