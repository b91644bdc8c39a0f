/** Makes happen what a case says: presses, and what nobody presses. Each answers when it happened, in ms since the epoch. */
import { fileURLToPath } from "node:url";
import { workflowId } from "../../../contract/workflow-id.ts";
import { until } from "../publishing.ts";
import type { WorkerProcess } from "../worker-process.ts";
import { EVENTS, type Act, type Event, type TruthCase } from "./cases.ts";
import { pressInWebUi, pressOnCommandLine } from "./presses.ts";
import type { TruthRoom } from "./truth-room.ts";

/** The publish of a case, and its surroundings. */
export interface Subject {
  room: TruthRoom;
  job: string;
  activity: string;
  prefix: string;
  /** Its own, when the case has one. */
  worker: WorkerProcess | null;
  by: TruthCase["by"];
}

/** `publish` as someone changed it without `patched()`. */
const BUG = fileURLToPath(new URL("../../rules/fixtures/changed-publish.ts", import.meta.url));
/** A worker that bundles its workflows itself, on a busy machine. */
const STARTS_MS = 60_000;
/** A run's own time limit, and some. */
const CLOSED_MS = 30_000;

export async function act(subject: Subject, name: Act["act"]): Promise<number> {
  if (isEvent(name)) return EVENT[name](subject);
  const pressed = Date.now();
  await (subject.by === "temporal" ? pressOnCommandLine : pressInWebUi)(name, subject);
  return pressed;
}

const isEvent = (name: Act["act"]): name is Event => (EVENTS as readonly string[]).includes(name);

const handleOf = ({ room, job }: Subject) => room.temporal.client.workflow.getHandle(workflowId("publish", job));

async function untilClosed(subject: Subject): Promise<number> {
  const closed = await until("its time limit", async () => (await handleOf(subject).describe()).closeTime, CLOSED_MS);
  return closed.getTime();
}

const EVENT: Record<Event, (subject: Subject) => Promise<number>> = {
  "execution timeout": untilClosed,
  "run timeout": untilClosed,
  /** A deployment that breaks it: from the first workflow task that the new code fails. */
  async "a bug in the workflow"(subject) {
    await subject.worker?.kill();
    subject.worker = await subject.room.worker(subject.prefix, { workflows: BUG });
    // Nothing listens for it: it only gives the workflow something to do.
    await handleOf(subject).signal("wake");
    const failed = await until(
      "the workflow task to fail",
      async () => {
        const { events } = await handleOf(subject).fetchHistory();
        return events?.find(({ workflowTaskFailedEventAttributes: it }) => it);
      },
      STARTS_MS,
    );
    return Number(failed.eventTime?.seconds ?? 0) * 1_000 + (failed.eventTime?.nanos ?? 0) / 1e6;
  },
  async "the bug is mended"(subject) {
    await subject.worker?.kill();
    subject.worker = await subject.room.worker(subject.prefix);
    // The task is given out again when the dead worker's has timed out, or after its pause.
    await until(
      "a workflow task to be done",
      async () => {
        const { raw } = await handleOf(subject).describe();
        return !raw.pendingWorkflowTask;
      },
      CLOSED_MS,
    );
    return Date.now();
  },
  async "Temporal goes down"({ room }) {
    const pressed = Date.now();
    await room.server.crash();
    return pressed;
  },
  async "Temporal is back"({ room }) {
    await room.server.restart();
    return Date.now();
  },
};
