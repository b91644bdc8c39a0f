/** The golden histories of what a schedule starts. Each answers the id of the workflow that is recorded. */
import type { GatewayRoom } from "../gateway/gateway-room.ts";
import { NEVER, scheduleCalls } from "../schedules/schedule-calls.ts";
import type { CommitGates } from "../support/commit-gate.ts";
import { until } from "../support/publishing.ts";

export type ScheduleScenario = (room: GatewayRoom, gates: CommitGates) => Promise<string>;

export const SCHEDULE_SCENARIOS: Record<string, ScheduleScenario> = {
  completed: async (room) => (await triggered(room, "completed")).workflow,
  /** Whoever cancels the run cancels its job. */
  async cancelled(room, gates) {
    const gate = await gates.close({ job_id: null, kind: "step", data: { step: "sweep", status: "running" } });
    const run = await triggered(room, "running", () => gate.reached());
    await room.temporal.client.workflow.getHandle(run.workflow).cancel();
    await until("the job to be asked", async () => {
      const { cancellation } = (await room.call("GET", `/jobs/${run.job}`)).body;
      return cancellation;
    });
    await gate.open();
    await closed(room, run.workflow);
    return run.workflow;
  },
};

async function triggered(
  room: GatewayRoom,
  status: string,
  meanwhile: () => Promise<unknown> = async () => undefined,
): Promise<{ workflow: string; job: string }> {
  const { make, press, runs } = scheduleCalls(() => room);
  const { id } = await make({ spec: NEVER });
  await press(id, "trigger");
  await meanwhile();
  const [run] = await runs(id, ([first]) => first?.status === status);
  const { info } = await room.temporal.client.schedule.getHandle(`schedule-${id}`).describe();
  const started = info.recentActions[0]?.action;
  if (started?.type !== "startWorkflow") throw new Error("the schedule has started nothing");
  const workflow = started.workflow.workflowId;
  if (status === "completed") await closed(room, workflow);
  return { workflow, job: run.job_id };
}

const closed = (room: GatewayRoom, workflow: string) =>
  until(
    `${workflow} to end`,
    async () => (await room.temporal.client.workflow.getHandle(workflow).describe()).status.name !== "RUNNING",
    60_000,
  );
