/** A client of the gateway: asks for publishes and sees them end. */
import { isFinal, type JobStatus } from "../../contract/job-state.ts";
import type { StepState } from "../../contract/progress.ts";
import type { StackFile } from "../../src/dev/stack-file.ts";

export interface SeenJob {
  id: string;
  status: JobStatus;
  steps: StepState[];
  logs: { message: string }[];
}

export interface PublishClient {
  /** The new job's id. */
  publish(project: string, version?: number): Promise<string>;
  /** Resolves when the gateway says that the job is completed. Error: it ended otherwise. */
  untilCompleted(job: string): Promise<void>;
  /** Follows the job's stream to its end. Error: it did not end completed. */
  follow(job: string): Promise<void>;
  read(job: string): Promise<SeenJob>;
}

/** Pause between two looks at a job that has not ended. */
const LOOK_MS = 100;

export function publishClient(stack: Pick<StackFile, "gateway" | "api_keys">): PublishClient {
  const headers = { authorization: `Bearer ${stack.api_keys.admin}`, "content-type": "application/json" };
  const ask = async <T>(path: string, init: RequestInit = {}): Promise<T> => {
    const answer = await fetch(`${stack.gateway}${path}`, { ...init, headers });
    if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  return {
    async publish(project, version = 1) {
      const body = JSON.stringify({ target_environment: "dev" });
      return (await ask<{ id: string }>(`/projects/${project}/versions/${version}/publish`, { method: "POST", body }))
        .id;
    },
    async untilCompleted(id) {
      for (;;) {
        const { status, error } = await ask<{ status: JobStatus; error: string | null }>(`/jobs/${id}/status`);
        if (status === "completed") return;
        if (isFinal(status)) throw new Error(`job ${id} ended ${status}: ${error}`);
        await new Promise((next) => setTimeout(next, LOOK_MS));
      }
    },
    async follow(id) {
      const answer = await fetch(`${stack.gateway}/jobs/${id}/stream`, { headers });
      const text = await answer.text();
      if (!text.includes("event: job-complete")) throw new Error(`job ${id} did not complete: ${text.slice(-2_000)}`);
    },
    read: (id) => ask(`/jobs/${id}`),
  };
}

/** Seconds that each step took, by the job's own record (milliseconds). */
export function stepSeconds({ steps }: Pick<SeenJob, "steps">): Record<string, number> {
  const length = ({ started_at = "", finished_at = "" }: SeenJob["steps"][number]): number =>
    (Date.parse(finished_at) - Date.parse(started_at)) / 1_000;
  return Object.fromEntries(steps.map((step) => [step.name, length(step)]));
}
