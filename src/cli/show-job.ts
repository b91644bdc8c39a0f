/** Follows a job and shows it: steps as they pass, a bar in a terminal, the outcome at the end. */
import type { StepState } from "../../contract/progress.ts";
import { CliError } from "./cli-error.ts";
import type { CliContext } from "./context.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { followJob, isFinalEvent, type StreamEvent } from "./follow-job.ts";
import { EXIT_BY_STATUS, outcomeLines, percentOf, type Outcome, type Progress } from "./job-view.ts";
import { createProgressBar } from "./progress-bar.ts";

/** Until the job is final; the exit code says how it ended. With `--json` every event is one line. */
export async function showJob(context: CliContext, id: string): Promise<ExitCode> {
  const { output, server } = context;
  const last = await showEvents(context, id);
  // A stream ends without a final event when there was nothing left to tell.
  const final = last ?? (await server().ask<Outcome>("GET", `/jobs/${encodeURIComponent(id)}`, { holds: "status" }));
  if (!last) output.emit({ event: "job", data: final });
  for (const line of outcomeLines(output, final, server().url)) output.say(line);
  return EXIT_BY_STATUS[final.status];
}

async function showEvents({ output, server, signal }: CliContext, id: string): Promise<Outcome | null> {
  const bar = createProgressBar(output, "  ", 100);
  const tellSteps = createStepTeller((line) => bar.above(line), output.style);
  try {
    for await (const event of followJob(server(), id, signal)) {
      output.emit(event);
      if (event.event === "error") throw streamError(event);
      const { steps, progress, message } = event.data as unknown as Progress;
      const between = !steps.some(({ name, status }) => status === "done" && percentOf(name) === progress);
      // Plain lines: what a step's own line tells is not told twice.
      if (output.terminal || between) bar.update(progress, message ?? "");
      tellSteps(steps);
      if (isFinalEvent(event)) return event.data as unknown as Outcome;
    }
    return null;
  } finally {
    bar.stop();
    if (signal.aborted) output.say(`The job goes on; \`platen watch ${id}\` follows it again.`);
  }
}

/** Tells each step once when it is done or has failed; one that a retry or a reset repeats is told again. */
function createStepTeller(
  say: (line: string) => void,
  style: CliContext["output"]["style"],
): (steps: readonly StepState[]) => void {
  const told = new Map<string, StepState["status"]>();
  return (steps) => {
    for (const { name, label, status } of steps) {
      if (told.get(name) === status) continue;
      told.set(name, status);
      if (status === "done") say(`${style("green", "✓")} ${label}  ${style("dim", `${percentOf(name) ?? "?"} %`)}`);
      if (status === "failed") say(`${style("red", "✗")} ${label}`);
    }
  };
}

function streamError({ data }: StreamEvent): CliError {
  const text = data["message"] ?? data["detail"] ?? "no reason was given";
  return new CliError(EXIT.refused, "stream_failed", `The server ended the stream: ${JSON.stringify(text)}.`);
}
