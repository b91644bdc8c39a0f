/** A parent's workflow that runs anew, by a reset or because its history grew long: it attaches to what runs, and starts nothing twice. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { query } from "../../src/db.ts";
import { startJob, startsOf } from "../../src/jobs/protocol/start.ts";
import { expectSoundLedger } from "../support/chaos-room.ts";
import { reset as resetTo } from "../support/operator.ts";
import { jobRow, until } from "../support/publishing.ts";
import { createGroupRoom, endsTold, nothing, type GroupRoom } from "./group-room.ts";

let groups: GroupRoom;
beforeAll(async () => {
  groups = await createGroupRoom();
});
afterAll(() => groups?.room.close());

const byHandle = (group: string) => groups.room.temporal.client.workflow.getHandle(`group-${group}`);

/** To its first task, as an operator does in the Web UI. */
async function reset(group: string): Promise<string> {
  const { client, namespace } = groups.room.temporal;
  const { runId } = await byHandle(group).describe();
  const { events } = await byHandle(group).fetchHistory();
  const first = events?.find(({ workflowTaskCompletedEventAttributes: it }) => it);
  const answer = await client.workflowService.resetWorkflowExecution({
    ...{ namespace, requestId: randomUUID(), reason: "by hand" },
    workflowExecution: { workflowId: `group-${group}`, runId },
    workflowTaskFinishEventId: first?.eventId ?? null,
  });
  return answer.runId;
}

describe("a group whose workflow is reset", { timeout: 90_000 }, () => {
  it("attaches to the members that run, begins none of them twice, and goes on with the rest", async () => {
    // Members have no worker yet.
    await groups.room.worker({ settings: { PLATEN_WORKER_QUEUES: "publish" } });
    const group = await groups.begin({ members: [nothing("a"), nothing("b"), nothing("c", "a", "b")] });
    await until("both to be begun", async () => {
      const states = await groups.states(group);
      return states["a"] === "queued" && states["b"] === "queued";
    });
    // Reset before that, the new run would start them itself, and have none to attach to.
    for (const key of ["a", "b"]) {
      const { job_id } = await groups.member(group, key);
      const { workflow_id } = await jobRow(groups.room, job_id);
      const handle = groups.room.temporal.client.workflow.getHandle(workflow_id);
      await until(`${key} to be started`, async () => handle.describe().catch(() => null));
    }
    const run = await reset(group);
    await until("the new run to have the row", async () => (await jobRow(groups.room, group)).run_id === run);
    await until("the new run to have attached", async () => {
      const { events } = await byHandle(group).fetchHistory();
      return events?.some(({ startChildWorkflowExecutionFailedEventAttributes: it }) => it);
    });
    await groups.room.worker({ settings: { PLATEN_WORKER_QUEUES: "publish,maintenance" } });
    expect(await groups.room.ended(group, 60_000)).toMatchObject({ status: "completed", generation: 2, run_id: run });
    expect((await endsTold(groups, group)).toSorted()).toEqual(["a completed", "b completed", "c completed"]);
    for (const key of ["a", "b", "c"]) {
      const { job_id } = await groups.member(group, key);
      expect(await jobRow(groups.room, job_id)).toMatchObject({ generation: 1 });
      await expectSoundLedger(groups.room, job_id, ["completed"]);
    }
    await expectSoundLedger(groups.room, group, ["completed"]);
  });

  it("far down a chain of runs only looks at the members that ran before, and gives its slot back between two looks", async () => {
    // "a" waits for its permit: another has it.
    const other = await groups.begin({ members: [nothing("before")] }, { start: false });
    const gate = await groups.hold(other, "before");
    await startJob(groups.room.deps, other, 1);
    await gate.reached();
    // Started at once, as the second of a chain: the reconciler would start it as the first.
    const group = await groups.begin({ members: [nothing("a")] }, { start: false });
    const [options] = await startsOf(groups.room.database.em.fork(), [group]);
    if (!options) throw new Error("no such group");
    const second = { ...options, input: { ...options.input, segment: 1 } };
    expect(await groups.room.executions.start(second)).toBe("started");
    await until("the member to wait in line, so to be started", async () => {
      const { job_id, status } = await groups.member(group, "a");
      return status && (await jobRow(groups.room, job_id)).message?.startsWith("Waiting for a permit");
    });
    await reset(group);
    const looks = await until(
      "three looks of the new run",
      async () => {
        const { events = [] } = await byHandle(group).fetchHistory();
        const attached = events?.findIndex((event) => event.startChildWorkflowExecutionFailedEventAttributes) ?? -1;
        const later = attached < 0 ? [] : (events?.slice(attached) ?? []);
        const at = (wanted: (event: (typeof later)[number]) => unknown) =>
          later.filter(wanted).map(({ eventTime }) => Number(eventTime?.seconds) + Number(eventTime?.nanos) / 1e9);
        const begun = at((event) => event.activityTaskStartedEventAttributes);
        const done = at((event) => event.activityTaskCompletedEventAttributes);
        return done.length >= 3 && done.map((moment, index) => moment - (begun[index] ?? 0));
      },
      40_000,
    );
    for (const seconds of looks) expect(seconds).toBeLessThan(5);
    await gate.open();
    expect(await groups.room.ended(group, 30_000)).toMatchObject({ status: "completed" });
  });

  it("while no worker is there has its one step before it, whatever its looks have seen, and is done once one comes", async () => {
    const { room } = groups;
    await room.killWorkers();
    // Its member has no worker: it only looks.
    await room.worker({ settings: { PLATEN_WORKER_QUEUES: "publish" } });
    const group = await groups.begin({ members: [nothing("a")] });
    await until("a look behind it, and another one", async () => {
      const { events = [] } = await byHandle(group).fetchHistory();
      return (events?.filter((event) => event.activityTaskScheduledEventAttributes) ?? []).length > 1;
    });
    await room.killWorkers();
    await resetTo(room, group, "runMembers");
    const row = await until("generation 2", async () => {
      const found = await jobRow(room, group);
      return found.generation === 2 && found;
    });
    expect(row).toMatchObject({ status: "running", step: "run_members", progress: 0 });
    expect(row.steps).toMatchObject([{ name: "run_members", status: "pending" }]);
    await room.worker();
    expect(await room.ended(group, 60_000)).toMatchObject({ status: "completed", generation: 2, progress: 100 });
    expect(await endsTold(groups, group)).toEqual(["a completed"]);
  });

  it("after its end ends as before, and runs no member again", async () => {
    const group = await groups.begin({ members: [nothing("a")] });
    await groups.room.ended(group, 60_000);
    await reset(group);
    await until("generation 2 to end", async () => {
      const row = await jobRow(groups.room, group);
      return row.generation === 2 && row.status === "completed";
    });
    expect(await endsTold(groups, group)).toEqual(["a completed"]);
    await expectSoundLedger(groups.room, group, ["completed", "completed"]);
  });
});

it("the ids of its members derive from its own", async () => {
  const group = await groups.begin({ members: [nothing("a")] }, { start: false });
  const { job_id } = await groups.member(group, "a");
  const other = await groups.begin({ members: [nothing("a")] }, { start: false });
  expect((await groups.member(other, "a")).job_id).not.toBe(job_id);
  expect(await query(groups.room.database.em.fork(), `select 1 from jobs where id = $1`, [job_id])).toEqual([]);
});
