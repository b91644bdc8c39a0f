/** What an operator can press, as the Temporal Web UI calls the server, and as the `temporal` command does. */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { findTemporal } from "../../../bootstrap/temporal-cli.js";
import { workflowId } from "../../../contract/workflow-id.ts";
import type { Publishing } from "../publishing.ts";

/** Who presses, and why: both must be told where Temporal keeps them. */
export const OPERATOR = "grace@example.org";
export const REASON = "the map is of the wrong town";

export const PRESSES = [
  "cancel",
  "terminate",
  "reset to the first task",
  "reset to the step",
  "pause",
  "unpause",
  "reset the activity",
  "delete",
] as const;
export type Press = (typeof PRESSES)[number];

/** Who can be asked what the workflow did. */
interface Pressed {
  room: Publishing;
  job: string;
  /** Temporal's name of the activity that is running, or was reset to. */
  activity: string;
}

/** Of `temporal.api.enums.v1.ResetReapplyType`. */
const REAPPLY = { none: 2, all: 3 };

/** The calls of WorkflowService that the Web UI makes. */
export async function pressInWebUi(press: Press, { room, job, activity }: Pressed): Promise<void> {
  const { client, namespace } = room.temporal;
  const { workflowService: service } = client;
  const workflow = { workflowId: workflowId("publish", job) };
  const [identity, reason] = [OPERATOR, REASON];
  const reset = async (target: number, reapply: number): Promise<unknown> =>
    service.resetWorkflowExecution({
      ...{ namespace, reason, identity, workflowExecution: { ...workflow, runId: await currentRun({ room, job }) } },
      ...{ workflowTaskFinishEventId: target as never, requestId: randomUUID(), resetReapplyType: reapply },
    });
  const activityOf = async () => {
    const id = await activityId({ room, job, activity });
    return { namespace, execution: workflow, identity, id };
  };
  const calls: Record<Press, () => Promise<unknown>> = {
    cancel: () => service.requestCancelWorkflowExecution({ namespace, workflowExecution: workflow, identity, reason }),
    terminate: () => service.terminateWorkflowExecution({ namespace, workflowExecution: workflow, identity, reason }),
    "reset to the first task": async () => reset(await resetTarget({ room, job }), REAPPLY.all),
    "reset to the step": async () => reset(await resetTarget({ room, job, activity }), REAPPLY.none),
    pause: async () => service.pauseActivity({ ...(await activityOf()), reason }),
    unpause: async () => service.unpauseActivity(await activityOf()),
    "reset the activity": async () => service.resetActivity(await activityOf()),
    delete: () => service.deleteWorkflowExecution({ namespace, workflowExecution: workflow }),
  };
  await calls[press]();
}

/** The same on the command line; its operator is the user of the machine. */
export async function pressOnCommandLine(press: Press, { room, job, activity }: Pressed): Promise<void> {
  const of = ["--workflow-id", workflowId("publish", job)];
  const activityOf = async (): Promise<string[]> => [...of, "--activity-id", await activityId({ room, job, activity })];
  const arguments_: Record<Press, () => Promise<string[]>> = {
    cancel: async () => ["workflow", "cancel", ...of],
    terminate: async () => ["workflow", "terminate", ...of, "--reason", REASON],
    "reset to the first task": async () => [
      "workflow",
      "reset",
      ...of,
      "--type",
      "FirstWorkflowTask",
      "--reason",
      REASON,
    ],
    "reset to the step": async () => {
      const target = String(await resetTarget({ room, job, activity }));
      return ["workflow", "reset", ...of, "--event-id", target, "--reapply-exclude", "All", "--reason", REASON];
    },
    pause: async () => ["activity", "pause", ...(await activityOf()), "--identity", OPERATOR],
    unpause: async () => ["activity", "unpause", ...(await activityOf())],
    "reset the activity": async () => ["activity", "reset", ...(await activityOf())],
    delete: async () => ["workflow", "delete", ...of],
  };
  const { address, namespace } = room.temporal;
  const binary = (await findTemporal())?.path ?? "temporal";
  const where = ["--address", address, "--namespace", namespace];
  await promisify(execFile)(binary, [...(await arguments_[press]()), ...where]);
}

const handleOf = ({ room, job }: Pick<Pressed, "room" | "job">) =>
  room.temporal.client.workflow.getHandle(workflowId("publish", job));

async function currentRun(of: Pick<Pressed, "room" | "job">): Promise<string> {
  return (await handleOf(of).describe()).runId;
}

async function activityId({ room, job, activity }: Pressed): Promise<string> {
  const { raw } = await handleOf({ room, job }).describe();
  const pending = raw.pendingActivities?.find(({ activityType }) => activityType?.name === activity);
  if (!pending?.activityId) throw new Error(`no ${activity} of ${job} is pending`);
  return pending.activityId;
}

/** The workflow task that scheduled the activity, or the first one. */
async function resetTarget({
  room,
  job,
  activity,
}: Pick<Pressed, "room" | "job"> & { activity?: string }): Promise<number> {
  const { events = [] } = await handleOf({ room, job }).fetchHistory();
  const scheduled = events?.find(
    ({ activityTaskScheduledEventAttributes: it }) => activity !== undefined && it?.activityType?.name === activity,
  )?.activityTaskScheduledEventAttributes?.workflowTaskCompletedEventId;
  const first = events?.find(({ workflowTaskCompletedEventAttributes: it }) => it)?.eventId;
  const target = activity === undefined ? first : scheduled;
  if (!target) throw new Error(`the history of ${job} has no task to reset to`);
  return Number(target);
}
