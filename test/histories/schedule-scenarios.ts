/** The golden histories of what a schedule starts. Each answers the id of the workflow that is recorded. */
import { randomUUID } from "node:crypto";
import { SCHEDULED_PREFIX, SCHEDULED_QUEUE, SCHEDULED_RUN, type ScheduledRunInput } from "../../contract/schedule.ts";
import { queueName } from "../../src/temporal.ts";
import type { GatewayRoom } from "../gateway/gateway-room.ts";
import { NEVER, scheduleCalls } from "../schedules/schedule-calls.ts";
import type { CommitGates } from "../support/commit-gate.ts";
import { until } from "../support/publishing.ts";

export type ScheduleScenario = (room: GatewayRoom, gates: CommitGates) => Promise<string>;

export const SCHEDULE_SCENARIOS: Record<string, ScheduleScenario> = {
  async completed(room) {
    const workflow = await triggered(room, "completed");
    await closed(room, workflow);
    return workflow;
  },
  /** Whoever cancels the run cancels its job, which waits in line here. */
  async cancelled(room, gates) {
    const gate = await gates.close({ job_id: null, kind: "step", data: { step: "sweep", status: "running" } });
    await room.call("POST", "/jobs", { body: { type: "maintenance", payload: { dry_run: true } } });
    await gate.reached();
    const workflow = await triggered(room, "queued");
    await room.temporal.client.workflow.getHandle(workflow).cancel();
    await closed(room, workflow);
    await gate.open();
    return workflow;
  },
  /** A run that another has gone on in, after an hour of looks: it starts no job, and waits for the other's. */
  async "goes-on"(room, gates) {
    const gate = await gates.close({ job_id: null, kind: "step", data: { step: "sweep", status: "running" } });
    const { id } = (await room.call("POST", "/jobs", { body: { type: "maintenance", payload: { dry_run: true } } })).body;
    await gate.reached();
    const schedule_id = randomUUID();
    const workflow = `${SCHEDULED_PREFIX}${schedule_id}`;
    await room.temporal.client.workflow.start(SCHEDULED_RUN, {
      workflowId: workflow,
      taskQueue: queueName(SCHEDULED_QUEUE, room.config.PLATEN_TASK_QUEUE_PREFIX),
      args: [{ schedule_id, tenant: "harbour", revision: 1, job_id: id } satisfies ScheduledRunInput],
    });
    await until("a look at the job", async () => {
      const { events } = await room.temporal.client.workflow.getHandle(workflow).fetchHistory();
      return events?.some(({ timerStartedEventAttributes: its }) => its);
    });
    await gate.open();
    await closed(room, workflow);
    return workflow;
  },
};

/** Answers the workflow of the run, once its job is `status`. */
async function triggered(room: GatewayRoom, status: string): Promise<string> {
  const { make, press, runs } = scheduleCalls(() => room);
  const { id } = await make({ spec: NEVER, name: `recorded ${status}` });
  await press(id, "trigger");
  await runs(id, ([first]) => first?.status === status);
  const { info } = await room.temporal.client.schedule.getHandle(`schedule-${id}`).describe();
  const started = info.recentActions[0]?.action;
  if (started?.type !== "startWorkflow") throw new Error("the schedule has started nothing");
  return started.workflow.workflowId;
}

const closed = (room: GatewayRoom, workflow: string) =>
  until(
    `${workflow} to end`,
    async () => (await room.temporal.client.workflow.getHandle(workflow).describe()).status.name !== "RUNNING",
    60_000,
  );
