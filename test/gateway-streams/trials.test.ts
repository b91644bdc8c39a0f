/** What a stream tells of a job that does not go straight on: its cancellation, its attempts, and what an operator should look at. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Attention } from "../../contract/attention.ts";
import { writeJob } from "../../src/jobs/job-writes-store.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { noteCancelStage } from "../../src/jobs/protocol/cancel-stages.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { noteTrouble } from "../../src/jobs/protocol/ledger-writes.ts";
import { settleJob } from "../../src/jobs/protocol/settle.ts";
import { framesOf } from "../support/frames.ts";
import { runOf } from "../support/protocol-room.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";
import { firstAttempt, startGatewayRoom, type GatewayRoom } from "../gateway/gateway-room.ts";
import { runningJob, watch } from "./stream-room.ts";

const temporal = scriptedExecutions();
let room: GatewayRoom;
beforeAll(async () => {
  room = await startGatewayRoom({ executions: temporal });
});
afterAll(() => room?.close());

it("each stage of a cancellation comes with its own event, and the final event has the whole receipt", async () => {
  const { id, grip } = await runningJob(room);
  temporal.current = runOf("run-1");
  const stream = watch(room, `/jobs/${id}/stream`);
  await stream.holds("snapshot");
  await cancelJob(room.deps, { job_id: id, by: room.principal, reason: "wrong map", deadline_seconds: 60 });
  await stream.holds('"stage":"requested"');
  await noteCancelStage(room.deps, grip, "acknowledged");
  await stream.holds('"stage":"acknowledged"');
  await noteCancelStage(room.deps, grip, "stopped");
  await stream.holds('"stage":"stopped"');
  await settleJob(room.deps, grip, { status: "cancelled", code: "cancelled", message: "The job was cancelled." });
  const frames = framesOf(await stream.ended());
  const told = frames.flatMap(({ id: seq, data }) => (seq === undefined ? [] : [data.cancellation?.stage]));
  expect(told).toEqual(["requested", "acknowledged", "stopped", "compensated", "compensated"]);
  expect(frames[0]?.data).not.toHaveProperty("cancellation");
  expect(frames.at(-1)).toMatchObject({
    event: "job-cancelled",
    data: { cancellation: { requested_by: "Ada", reason: "wrong map", outcome: "cancelled" } },
  });
  const { cancellation } = (await room.call("GET", `/jobs/${id}`)).body;
  expect(frames.at(-1)?.data.cancellation).toEqual(cancellation);
});

it("an attempt that failed is told with its number and the time of the next one, again and again, though the log says it once", async () => {
  const { id, grip } = await runningJob(room);
  const stream = watch(room, `/jobs/${id}/stream`);
  await stream.holds("snapshot");
  const trouble = { code: "store_full" as const, step: "upload", pause_ms: 60_000 };
  await noteTrouble(room.deps, grip, { ...trouble, message: "Full." });
  await stream.holds('"next_attempt_at"');
  const next = { ...firstAttempt(id), attempt_at: 2, number: 2 };
  const entered = await enterStep(room.deps, next, { step: "upload", message: "Begins upload" });
  await stream.holds('"attempt":2');
  if (entered.kind !== "entered") throw new Error(entered.kind);
  await noteTrouble(room.deps, entered.grip, { ...trouble, message: "Still full." });
  await stream.holds("Still full.");
  stream.socket.destroy();
  const [first, ...others] = framesOf(stream.text()).map(({ data }) => data);
  for (const member of ["attempt", "next_attempt_at", "cancellation", "attention"])
    expect(first).not.toHaveProperty(member);
  const told = others.map(({ attempt, next_attempt_at }) => [attempt ?? 1, next_attempt_at !== undefined]);
  expect(told.filter((each, at) => String(each) !== String(told[at - 1]))).toEqual([
    [1, true],
    [2, false],
    [2, true],
  ]);
});

it("what an operator should look at is told without an event, and so is that it is over", async () => {
  const { id } = await runningJob(room);
  const stream = watch(room, `/jobs/${id}/stream`);
  await stream.holds("snapshot");
  const attention: Attention = { code: "stalled", message: "No progress.", since: new Date().toISOString() };
  await writeJob(room.database.em.fork(), id, { attention }, []);
  room.deps.notifier.touch(id);
  await stream.holds('"attention":{"code":"stalled"');
  await writeJob(room.database.em.fork(), id, { attention: null, message: "It goes on" }, []);
  room.deps.notifier.touch(id);
  await stream.holds("It goes on");
  stream.socket.destroy();
  const frames = framesOf(stream.text());
  expect(frames.map(({ data }) => data.attention)).toEqual([undefined, attention, undefined]);
});
