/** `POST /jobs/{id}/cancel`: the receipt that it answers, once and again. Temporal is down, so nothing moves by itself. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { transaction } from "../../src/db.ts";
import { writeJob } from "../../src/jobs/job-writes-store.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { settleJob } from "../../src/jobs/protocol/settle.ts";
import { createDraft, ledger, queueJob } from "../support/publishing.ts";
import { firstAttempt, startGatewayRoom, type Answer, type GatewayRoom } from "./gateway-room.ts";

let room: GatewayRoom;

beforeAll(async () => {
  room = await startGatewayRoom({ settings: { PLATEN_CANCEL_DEADLINE_SECONDS: "90" } });
});
afterAll(() => room?.close());

const cancel = (job: string, body: object = {}, key = room.keys.operator): Promise<Answer> =>
  room.call("POST", `/jobs/${job}/cancel`, { body, key });

async function running(): Promise<string> {
  const job = await queueJob(room, await createDraft(room));
  await enterStep(room.deps, firstAttempt(job), { step: "validate", message: "Validating" });
  return job;
}

it("a queued job's is finished at once; asked again, by somebody else, it is the same", async () => {
  const job = await queueJob(room, await createDraft(room));
  const first = await cancel(job, { reason: "wrong map" });
  const at = first.body.cancel_requested_at;
  expect([first.status, first.body.status]).toEqual([202, "cancelled"]);
  expect(first.body.cancellation).toEqual({
    ...{ stage: "compensated", outcome: "cancelled", requested_by: "operator of harbour", reason: "wrong map" },
    ...{ requested_at: at, acknowledged_at: at, stopped_at: at, compensated_at: at },
    ...{ deadline_at: null, terminated_at: null },
  });
  const events = await ledger(room, job);
  const again = await cancel(job, { reason: "another" }, room.keys.admin);
  expect([again.status, again.body]).toEqual([202, first.body]);
  expect(await ledger(room, job)).toEqual(events);
});

it("a running job's says until when it may take; asked again it is the same", async () => {
  const job = await running();
  const first = await cancel(job, { reason: "wrong map" });
  expect(first).toMatchObject({ status: 202, body: { status: "running", cancellation: { stage: "requested" } } });
  const { requested_at, deadline_at } = first.body.cancellation;
  expect(new Date(deadline_at).getTime() - new Date(requested_at).getTime()).toBe(90_000);
  const again = await cancel(job, {}, room.keys.admin);
  expect([again.status, again.body.cancellation]).toEqual([202, first.body.cancellation]);
  expect((await room.call("GET", `/jobs/${job}`)).body.cancellation).toEqual(first.body.cancellation);
});

it("after the switch it is refused, and says why", async () => {
  const job = await running();
  await transaction(room.database, (tx) => writeJob(tx, job, { switched_at: "now", epoch: 1 }, []));
  const { status, body } = await cancel(job);
  expect([status, body.code]).toEqual([409, "past_the_switch"]);
  expect(body.detail).toContain("has switched dev to its release, which is the point of no return");
  expect((await room.call("GET", `/jobs/${job}`)).body.cancellation).toBeNull();
});

it("a job that has ended otherwise has none to give", async () => {
  const job = await queueJob(room, await createDraft(room));
  const entered = await enterStep(room.deps, firstAttempt(job), { step: "validate", message: "Validating" });
  if (entered.kind !== "entered") throw new Error(entered.kind);
  await settleJob(room.deps, entered.grip, { status: "failed", code: "internal", message: "It failed." });
  expect(await cancel(job)).toMatchObject({ status: 409, body: { code: "job_final", facts: { status: "failed" } } });
});
