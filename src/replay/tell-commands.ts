/**
 * Inside a replayed workflow: tells what its code decides at each workflow task, and on which source line. Workers never load it; it asks
 * for nothing and decides nothing, so a replay with it is a replay without it.
 */
import { proxySinks, workflowInfo, type Sinks, type WorkflowInterceptors } from "@temporalio/workflow";
import type { ToldCommand } from "./told-command.ts";

export interface CommandSinks extends Sinks {
  commands: {
    /** `historyLength`: number of the event that started the workflow task. */
    told(historyLength: number, commands: ToldCommand[]): void;
  };
}

/** Temporal's entry point of interceptor modules. */
export function interceptors(): WorkflowInterceptors {
  const { commands } = proxySinks<CommandSinks>();
  /** Where each activity and timer was asked for, by its sequence number; a command says nothing of it. */
  const places = new Map<string, string>();
  const note = (kind: string, seq: number): void => {
    const place = placeOf(new Error("here").stack ?? "");
    if (place) places.set(`${kind} ${seq}`, place);
  };
  return {
    outbound: [
      {
        scheduleActivity: (input, next) => (note("activity", input.seq), next(input)),
        startTimer: (input, next) => (note("timer", input.seq), next(input)),
        startChildWorkflowExecution: (input, next) => (note("child", input.seq), next(input)),
      },
    ],
    internals: [
      {
        concludeActivation(input, next) {
          const output = next(input);
          const told = output.commands.flatMap((command): ToldCommand[] => {
            const one = tell(command as Record<string, Record<string, unknown>>);
            return one ? [{ ...one, place: places.get(`${one.kind} ${String(one.seq)}`) ?? null }] : [];
          });
          commands.told(workflowInfo().historyLength, told);
          return output;
        },
      },
    ],
  };
}

/** The first line of the workflow's own files. */
function placeOf(stack: string): string | null {
  const own = stack.split("\n").find((line) => /\.ts:\d+/.test(line) && !/node_modules|tell-commands/.test(line));
  return /\(?([^\s(]+\.ts:\d+):\d+\)?$/.exec(own ?? "")?.[1] ?? null;
}

/** What a history would hold of the command; null for answers to queries and updates, which it does not hold. */
function tell(command: Record<string, Record<string, unknown>>): Omit<ToldCommand, "place"> | null {
  const [name, member] = Object.entries(command).find(([, value]) => typeof value === "object" && value !== null) ?? [];
  const text = (key: string): string => String((member?.[key] ?? "") as string | number);
  const seq = Number(member?.["seq"] ?? 0);
  switch (name) {
    case "scheduleActivity":
      return { kind: "activity", event: "ACTIVITY_TASK_SCHEDULED", name: text("activityType"), seq };
    case "startTimer":
      return { kind: "timer", event: "TIMER_STARTED", name: text("seq"), seq };
    case "startChildWorkflowExecution":
      return { kind: "child", event: "START_CHILD_WORKFLOW_EXECUTION_INITIATED", name: text("workflowType"), seq };
    case "requestCancelActivity":
      return { kind: "other", event: "ACTIVITY_TASK_CANCEL_REQUESTED", name: "", seq };
    case "cancelTimer":
      return { kind: "other", event: "TIMER_CANCELED", name: text("seq"), seq };
    case "setPatchMarker":
      return { kind: "patch", event: "MARKER_RECORDED", name: text("patchId"), seq };
    case "signalExternalWorkflowExecution":
      return { kind: "other", event: "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED", name: text("signalName"), seq };
    case "upsertWorkflowSearchAttributes":
      return { kind: "other", event: "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES", name: "", seq };
    case "modifyWorkflowProperties":
      return { kind: "other", event: "WORKFLOW_PROPERTIES_MODIFIED", name: "", seq };
    case "completeWorkflowExecution":
      return { kind: "end", event: "WORKFLOW_EXECUTION_COMPLETED", name: "", seq };
    case "failWorkflowExecution":
      return { kind: "end", event: "WORKFLOW_EXECUTION_FAILED", name: "", seq };
    case "cancelWorkflowExecution":
      return { kind: "end", event: "WORKFLOW_EXECUTION_CANCELED", name: "", seq };
    case "continueAsNewWorkflowExecution":
      return { kind: "end", event: "WORKFLOW_EXECUTION_CONTINUED_AS_NEW", name: text("workflowType"), seq };
    default:
      return null;
  }
}
