/** A retry of a group that passes by the limit of retries: real PostgreSQL, without workflows. */
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { query, transaction } from "../../src/db.ts";
import { beginMembers } from "../../src/jobs/groups/begin-members.ts";
import { readMembers, type MemberRow } from "../../src/jobs/groups/member-store.ts";
import { lockJob } from "../../src/jobs/job-store.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { startSample } from "../support/job-samples/sample.ts";
import { createPublishing, type Publishing } from "../support/publishing.ts";
import { nothing } from "./group-room.ts";

let room: Publishing;
let group: string;
beforeAll(async () => {
  room = await createPublishing();
}, 60_000);
afterAll(() => room?.close());

const db = () => room.database.em.fork();
const fail = (id: string) => query(db(), `update jobs set status = 'failed', max_retries = 1 where id = $1`, [id]);
const member = async (): Promise<MemberRow> => (await readMembers(db(), group))[0]!;
const retry = (force: boolean) =>
  retryJob(room.deps, { job_id: group, by: { tenant_id: room.tenant_id, name: "Ada" }, force, start: false });

/** What the group's activity does. */
async function begin(): Promise<void> {
  await transaction(room.database, async (tx) => {
    const row = await lockJob(tx, group);
    await beginMembers(tx, row!, await readMembers(tx, group));
  });
}

/** A member that has failed in the last of its retries, and its group with it. */
beforeEach(async () => {
  const owner = { tenant_id: room.tenant_id, project: "", project_id: "", version_id: "" };
  group = await startSample(room, owner, { type: "group", payload: { members: [nothing("a")] }, start: false });
  await begin();
  await fail((await member()).job_id);
  await fail(group);
  await retry(false);
  await begin();
  expect(await member()).toMatchObject({ generation: 2, refused: null });
  await fail((await member()).job_id);
  await fail(group);
});

it("a member whose retries are used up is run again by a retry of its group with `force`", async () => {
  await retry(true);
  await begin();
  expect(await member()).toMatchObject({ generation: 3, status: "queued", refused: null, again: false });
});

it("by one without it is refused", async () => {
  await query(db(), `update jobs set max_retries = 9 where id = $1`, [group]);
  await retry(false);
  await begin();
  expect(await member()).toMatchObject({ generation: 2, status: "failed", refused: { code: "retries_used_up" } });
});

it("a forced retry forces only itself: one that comes after it does not", async () => {
  await query(db(), `update jobs set max_retries = 9 where id = $1`, [group]);
  await retry(true);
  // Cancelled before the member's turn came.
  await query(db(), `update jobs set status = 'cancelled' where id = $1`, [group]);
  await retry(false);
  await begin();
  expect(await member()).toMatchObject({ generation: 2, refused: { code: "retries_used_up" } });
});
