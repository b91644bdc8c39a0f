/** Follows a job and shows it: steps as they pass, a bar in a terminal, the outcome at the end. */
import type { CancellationReceipt } from "../../contract/cancellation.ts";
import type { StepState } from "../../contract/progress.ts";
import type { EndedJob } from "../client/job.ts";
import type { JobFinal, JobUpdate } from "../client/watch-events.ts";
import { createConnectionTeller } from "./connection-teller.ts";
import type { CliContext } from "./context.ts";
import type { ExitCode } from "./exit-codes.ts";
import { EXIT_BY_STATUS, outcomeLines, percentOf } from "./job-view.ts";
import { createProgressBar } from "./progress-bar.ts";
import { attemptText, createTrialsTeller } from "./trials.ts";

/** Until the job is final; the exit code says how it ended. With `--json` every event is one line. */
export async function showJob(context: CliContext, id: string): Promise<ExitCode> {
  return EXIT_BY_STATUS[(await followJob(context, id)).status];
}

/** The same; answers how it ended. `told`: the receipt of a cancellation that was shown before. */
export async function followJob(context: CliContext, id: string, told?: CancellationReceipt): Promise<EndedJob> {
  const { output, server } = context;
  const final = await showEvents(context, id, told);
  for (const line of outcomeLines(output, final, server().url)) output.say(line);
  if (final.status === "failed")
    output.say(`Try it again with \`platen retry ${final.job_id}\`; with --preview it tells what would run again.`);
  return final;
}

async function showEvents(
  { output, server, client, signal }: CliContext,
  id: string,
  told?: CancellationReceipt,
): Promise<EndedJob> {
  const bar = createProgressBar(output, "  ", 100);
  const say = (line: string): void => bar.above(line);
  const tellSteps = createStepTeller(say, output.style);
  const tellTrials = createTrialsTeller(say, output, told);
  const tellConnection = createConnectionTeller(say, server().url);
  let noticed: string | undefined;
  try {
    for await (const event of client().watchJob(id, { signal })) {
      tellConnection(event);
      if (event.type === "connection") continue;
      output.emit(streamLine(event));
      const { steps, progress, message } = event.job;
      const between = !steps.some(({ name, status }) => status === "done" && percentOf(steps, name) === progress);
      // Plain lines: what a step's own line tells is not told twice.
      const attempt = attemptText(event.job);
      if (output.terminal || between) bar.update(progress, [message ?? "", attempt && `(${attempt})`].join(" ").trim());
      tellSteps(steps);
      tellTrials(event.job);
      const { notice } = event.job;
      if (notice && notice.code !== noticed) say(notice.message);
      noticed = notice?.code;
      if (event.type === "final") return event.job;
    }
    // A watch ends without a final event in one case only.
    throw signal.reason;
  } finally {
    bar.stop();
    if (signal.aborted) output.say(`The job goes on; \`platen watch ${id}\` follows it again.`);
  }
}

/** In the words of the stream. */
function streamLine(event: JobUpdate | JobFinal): { event: string; id?: string; data: unknown } {
  const place = event.id === undefined ? {} : { id: event.id };
  if (event.type === "final") return { event: event.event, ...place, data: event.job };
  const { job, logs, snapshot, reset } = event;
  const marks = { ...(snapshot ? { snapshot } : {}), ...(reset ? { reset } : {}) };
  return { event: "job_update", ...place, data: { ...job, logs, ...marks } };
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
      if (status === "done")
        say(`${style("green", "✓")} ${label}  ${style("dim", `${percentOf(steps, name) ?? "?"} %`)}`);
      if (status === "failed") say(`${style("red", "✗")} ${label}`);
    }
  };
}
