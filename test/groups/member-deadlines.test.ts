/** How long members have to stop when their group is cancelled: real PostgreSQL, Temporal's part as data. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { query, queryOne } from "../../src/db.ts";
import { memberJobId } from "../../src/jobs/groups/insert-group.ts";
import { lookAtMembers } from "../../src/jobs/groups/look-at-members.ts";
import { insertMembers, readMembers, type MemberRow } from "../../src/jobs/groups/member-store.ts";
import { stopMembers } from "../../src/jobs/groups/stop-members.ts";
import { attemptOf, createProtocolRoom, type ProtocolRoom } from "../support/protocol-room.ts";
import { queueJob, createDraft } from "../support/publishing.ts";

let protocol: ProtocolRoom;
let group: { id: string; tenant_id: string };
let members: MemberRow[];

beforeAll(async () => {
  protocol = await createProtocolRoom();
});
afterAll(() => protocol?.room.close());
beforeEach(async () => {
  const { room } = protocol;
  const { job: id } = await protocol.renew();
  group = { id, tenant_id: room.tenant_id };
  const job_id = await queueJob(room, await createDraft(room));
  await protocol.grip(attemptOf(job_id, "M", 1));
  const about = { position: 0, key: "a", job_id, job_type: "publish" as const, payload: {}, title: null };
  await insertMembers(db(), group, [{ ...about, priority: 3, weight: 1, depends_on: [] }]);
  members = await readMembers(db(), id);
});

const db = () => protocol.room.database.em.fork();
/** Seconds until the member is terminated. */
async function deadlineOf(): Promise<number | null> {
  const sql = `select extract(epoch from cancel_deadline_at - cancel_requested_at)::float8 as seconds from jobs where id = $1`;
  const row = await queryOne<{ seconds: number | null }>(db(), sql, [members[0]?.job_id]);
  return row?.seconds ?? null;
}

describe("a running member has as long to stop", () => {
  it.each([
    ["as a request gives, of a group that was cancelled in Temporal", "cancel_requested_in = 'Temporal'", 60],
    ["as its group has, of one that was cancelled with a deadline", "cancel_deadline_at = now() + interval '30 s'", 30],
    ["as its group has, of one that is stopped for its deadline", "deadline_stop_at = now() + interval '50 s'", 50],
    [
      "as the shorter of both, of one that is stopped for both",
      "deadline_stop_at = now() + interval '50 s', cancel_deadline_at = now() + interval '20 s'",
      20,
    ],
    ["as a second, of a group whose own time is over", "cancel_deadline_at = now() - interval '1 min'", 1],
  ])("%s", async (_, set, seconds) => {
    await query(db(), `update jobs set ${set} where id = $1`, [group.id]);
    const { room } = protocol;
    await stopMembers(room.deps, group, members, room.config.PLATEN_CANCEL_DEADLINE_SECONDS);
    const given = await deadlineOf();
    expect(given).toBeGreaterThan(seconds - 5);
    expect(given).toBeLessThanOrEqual(seconds);
  });
});

describe("a member that is due", () => {
  const due = { position: 1, key: "b", job_type: "maintenance" as const, payload: { dry_run: true }, title: null };
  /** What the group's workflow finds, which has not heard of any cancel. */
  const look = async () => {
    const grip = await protocol.grip(attemptOf(group.id, "G", 2));
    const job_id = memberJobId(group.id, due.key);
    await insertMembers(db(), group, [{ ...due, job_id, priority: 3, weight: 1, depends_on: [] }]);
    const asked = { grip, stopping: false, own: [], attached: [] };
    return { due: job_id, found: await lookAtMembers(protocol.room.deps, asked) };
  };
  const begun = async (id: string) => (await queryOne(db(), `select 1 from jobs where id = $1`, [id])) !== null;

  it.each(["cancel_requested_at", "deadline_stop_at"])("is not begun behind a %s of its group", async (column) => {
    await protocol.grip(attemptOf(group.id, "G", 1));
    await query(db(), `update jobs set ${column} = now() where id = $1`, [group.id]);
    const { due: id, found } = await look();
    expect(await begun(id)).toBe(false);
    expect(found).toMatchObject({ more: false, stand: { ended: false } });
    expect(found.start.map(({ position }) => position)).not.toContain(1);
  });

  it("is begun otherwise", async () => {
    const { due: id, found } = await look();
    expect(await begun(id)).toBe(true);
    expect(found.start.map(({ position }) => position)).toContain(1);
  });
});
