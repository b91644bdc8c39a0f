/** Step state of a running workflow, behind the query `progress` and on the workflow's page in the Temporal Web UI. */
import { defineQuery, setCurrentDetails, setHandler, workflowInfo } from "@temporalio/workflow";
import type { StepDefinition } from "../contract/job-type-definition.ts";
import { JOB_URL_MEMO, PROGRESS_QUERY } from "../contract/messages.ts";
import type { WorkflowProgress } from "../contract/progress.ts";

export const progressQuery = defineQuery<WorkflowProgress>(PROGRESS_QUERY);

export interface StepTracker {
  /** Marks the step as running while `work` runs, then done or failed. A step that is carried over is done, and does not run. */
  run<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Tells the operator what happens outside the steps. */
  note(text: string): void;
}

/**
 * `title`: first line of the details, what an operator must know without opening payloads; it leads to the job. `carried`: what steps yielded before, by name;
 * only in front of the first that runs. It is part of the input, so a replay skips the same steps.
 */
export function trackSteps(
  definitions: readonly StepDefinition[],
  title: string,
  carried: Record<string, unknown> = {},
): StepTracker {
  const progress: WorkflowProgress = {
    step: null,
    percent: 0,
    steps: definitions.map(({ name }) => ({ name, status: "pending" })),
  };
  // The run id is told, never branched on: the answer to a query is no part of the history.
  setHandler(progressQuery, () => ({ ...progress, run_id: workflowInfo().runId }));

  const url = workflowInfo().memo?.[JOB_URL_MEMO];
  const link = typeof url === "string" ? ` · [job](${url})` : "";

  function show(text: string): void {
    const marks = { pending: "·", running: "▶", done: "✓", failed: "✗" } as const;
    const line = definitions.map(({ label }, at) => `${marks[progress.steps[at]?.status ?? "pending"]} ${label}`);
    // Two lines: the Web UI shows no more without scrolling.
    setCurrentDetails(`**${title}: ${text}**${link}\n\n${line.join(" · ")}`);
  }
  return {
    async run(name, work) {
      const at = definitions.findIndex((step) => step.name === name);
      const [definition, state] = [definitions[at], progress.steps[at]];
      if (!definition || !state) throw new Error(`no step ${name}`);
      if (progress.step === null && carried[name] !== undefined) {
        state.status = "done";
        progress.percent = definition.percent;
        return carried[name] as Awaited<ReturnType<typeof work>>;
      }
      progress.step = name;
      state.status = "running";
      show(`step ${at + 1} of ${definitions.length}, ${definition.label}`);
      try {
        const result = await work();
        state.status = "done";
        progress.percent = definition.percent;
        return result;
      } catch (error) {
        state.status = "failed";
        throw error;
      }
    },
    note: show,
  };
}
