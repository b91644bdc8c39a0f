/** Follows a job and shows it: steps as they pass, a bar in a terminal, the outcome at the end. */
import type { StepState } from "../../contract/progress.ts";
import type { CliContext } from "./context.ts";
import { CliError } from "./cli-error.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { followJob, isFinalEvent } from "./follow-job.ts";
import { EXIT_BY_STATUS, outcomeLines, type JobView } from "./job-view.ts";
import { createProgressBar } from "./progress-bar.ts";

/** Until the job is final; the exit code says how it ended. With `--json` every event is one line. */
export async function showJob({ output, server, signal }: CliContext, id: string): Promise<ExitCode> {
  const bar = createProgressBar(output, "  ", 100);
  const steps = createStepTeller((line) => bar.above(line), output.style);
  let final = false;
  try {
    for await (const event of followJob(server(), id, signal)) {
      output.emit(event);
      if (event.event === "error") throw streamError(event.data);
      final = isFinalEvent(event);
      const job = event.data as Partial<JobView>;
      if (job.steps) steps(job.steps);
      if (typeof job.progress === "number" && !final) bar.update(job.progress, job.message ?? "");
    }
  } catch (error) {
    bar.stop();
    if (signal.aborted) output.say(`The job goes on; \`platen watch ${id}\` follows it again.`);
    throw error;
  }
  bar.stop();
  // The stream ends without a final event for one that was told to the end before (204).
  const job = await server().ask<JobView>("GET", `/jobs/${encodeURIComponent(id)}`, { retries: 4, holds: "status" });
  if (!final) output.emit({ event: "job", data: job });
  for (const line of outcomeLines(output, job, server().url)) output.say(line);
  return EXIT_BY_STATUS[job.status];
}

/** Tells each step once when it is done or has failed; a retry's or reset's repetition is told again. */
function createStepTeller(
  say: (line: string) => void,
  style: CliContext["output"]["style"],
): (steps: readonly (StepState & { percent?: number })[]) => void {
  const told = new Map<string, StepState["status"]>();
  return (steps) => {
    for (const { name, label, status, percent } of steps) {
      if (told.get(name) === status) continue;
      told.set(name, status);
      const share = percent === undefined ? "" : `  ${percent} %`;
      if (status === "done") say(`${style("green", "✓")} ${label}${style("dim", share)}`);
      if (status === "failed") say(`${style("red", "✗")} ${label}`);
    }
  };
}

function streamError(data: Record<string, unknown>): CliError {
  const text = data["message"] ?? data["detail"] ?? data["error"];
  return new CliError(EXIT.refused, "stream_failed", `The stream was ended by the server: ${String(text)}`);
}
