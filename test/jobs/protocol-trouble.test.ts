/** What a job tells while its step is tried again, for minutes or for a night. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { query, queryOne } from "../../src/db.ts";
import { noteTrouble } from "../../src/jobs/protocol/ledger-writes.ts";
import { attemptOf, createProtocolRoom, type ProtocolRoom } from "../support/protocol-room.ts";
import { ledger } from "../support/publishing.ts";

let protocol: ProtocolRoom;

beforeAll(async () => {
  protocol = await createProtocolRoom();
});
afterAll(() => protocol?.room.close());

const FULL = { code: "store_full" as const, message: "The store is full.", step: "validate" };

async function messageOf(job: string): Promise<string | undefined> {
  const db = protocol.room.database.em.fork();
  return (await queryOne<{ message: string }>(db, `select message from jobs where id = $1`, [job]))?.message;
}
async function told(job: string): Promise<unknown[]> {
  const events = await ledger(protocol.room, job);
  return events.filter(({ data }) => data["code"] !== undefined).map(({ data }) => data["message"]);
}

it("a step that is tried again says once what keeps it waiting, and keeps it as its message", async () => {
  const { deps } = protocol.room;
  const { job } = await protocol.renew();
  const first = await protocol.grip(attemptOf(job, "F", 1));
  await noteTrouble(deps, first, FULL);
  const { events } = await protocol.state(job);
  for (let attempt = 2; attempt < 5; attempt++) {
    const grip = await protocol.grip(attemptOf(job, "F", attempt));
    expect(await messageOf(job)).toMatch(/^The store is full/);
    await noteTrouble(deps, grip, { ...FULL, message: `The store is full for ${attempt}.` });
  }
  expect(await messageOf(job)).toBe("The store is full for 4.");
  expect(await told(job)).toEqual(["The store is full."]);
  expect((await protocol.state(job)).events).toBe(events);
});

it("the job says which attempt it was and when the next one comes, until that one begins", async () => {
  const { deps, database } = protocol.room;
  const { job } = await protocol.renew();
  const look = () =>
    queryOne<{ attempt: number; pause: number | null }>(
      database.em.fork(),
      `select attempt, extract(epoch from next_attempt_at - updated_at)::float8 as pause from jobs where id = $1`,
      [job],
    );
  const third = await protocol.grip(attemptOf(job, "F", 3, { number: 3 }));
  expect(await look()).toEqual({ attempt: 3, pause: null });
  await noteTrouble(deps, third, { ...FULL, pause_ms: 2_500 });
  expect(await look()).toEqual({ attempt: 3, pause: 2.5 });
  await protocol.grip(attemptOf(job, "F", 4, { number: 4 }));
  expect(await look()).toEqual({ attempt: 4, pause: null });
});

it("another trouble, another step, and every hour are news", async () => {
  const { deps, database } = protocol.room;
  const { job } = await protocol.renew();
  const grip = await protocol.grip(attemptOf(job, "F", 1));
  await noteTrouble(deps, grip, FULL);
  await noteTrouble(deps, grip, { ...FULL, code: "store_unavailable", message: "It is away." });
  await noteTrouble(deps, grip, { ...FULL, message: "Full again." });
  await noteTrouble(deps, grip, { ...FULL, message: "Full in upload.", step: "upload" });
  await query(database.em.fork(), `update job_events set at = at - interval '61 minutes' where job_id = $1`, [job]);
  await noteTrouble(deps, grip, { ...FULL, message: "Still full in upload.", step: "upload" });
  expect(await told(job)).toEqual([
    "The store is full.",
    "It is away.",
    "Full again.",
    "Full in upload.",
    "Still full in upload.",
  ]);
});

it("an attempt that timed out tells nothing", async () => {
  const { job } = await protocol.renew();
  const zombie = await protocol.grip(attemptOf(job, "F", 1));
  await protocol.grip(attemptOf(job, "F", 2));
  const before = await protocol.state(job);
  await noteTrouble(protocol.room.deps, zombie, FULL);
  expect(await protocol.state(job)).toEqual(before);
});
