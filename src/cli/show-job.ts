/** Follows a job and shows it: steps as they pass, a bar in a terminal, the outcome at the end. */
import type { StepState } from "../../contract/progress.ts";
import type { EndedJob } from "../client/job.ts";
import type { ConnectionNotice, JobFinal, JobUpdate, WatchEvent } from "../client/watch-events.ts";
import { CliError } from "./cli-error.ts";
import type { CliContext } from "./context.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { EXIT_BY_STATUS, outcomeLines, percentOf } from "./job-view.ts";
import { createProgressBar } from "./progress-bar.ts";

/** Longer than four pings: after that the server counts as gone. */
const PATIENCE_MS = 120_000;

/** Until the job is final; the exit code says how it ended. With `--json` every event is one line. */
export async function showJob(context: CliContext, id: string): Promise<ExitCode> {
  const { output, server } = context;
  const final = await showEvents(context, id);
  for (const line of outcomeLines(output, final, server().url)) output.say(line);
  return EXIT_BY_STATUS[final.status];
}

async function showEvents({ output, server, client, signal }: CliContext, id: string): Promise<EndedJob> {
  const bar = createProgressBar(output, "  ", 100);
  const say = (line: string): void => bar.above(line);
  const tellSteps = createStepTeller(say, output.style);
  const tellConnection = createConnectionTeller(say, server().url);
  let noticed: string | undefined;
  try {
    for await (const event of client().watchJob(id, { signal })) {
      tellConnection(event);
      if (event.type === "connection") continue;
      output.emit(streamLine(event));
      const { steps, progress, message } = event.job;
      const between = !steps.some(({ name, status }) => status === "done" && percentOf(name) === progress);
      // Plain lines: what a step's own line tells is not told twice.
      if (output.terminal || between) bar.update(progress, message ?? "");
      tellSteps(steps);
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
      if (status === "done") say(`${style("green", "✓")} ${label}  ${style("dim", `${percentOf(name) ?? "?"} %`)}`);
      if (status === "failed") say(`${style("red", "✗")} ${label}`);
    }
  };
}

/** One line when the stream is lost, one when polls have to do; errors when there is nothing to wait for. */
function createConnectionTeller(say: (line: string) => void, url: string): (event: WatchEvent) => void {
  let state: "new" | "answered" | ConnectionNotice["state"] = "new";
  return (event) => {
    const before = state;
    if (event.type !== "connection") {
      if (before === "new") state = "answered";
    } else if (event.state !== "lost") {
      state = event.state;
      if (state === "polling") say("Streams do not get through; asking every 5 seconds instead.");
    } else {
      const { cause, by, silentMs } = event;
      // The first answer decides, a stream's or else a poll's; a server that has been there is worth waiting for.
      if (before === "new" && cause && (cause.status === 0 || by === "poll")) throw cause;
      if (silentMs > PATIENCE_MS) {
        const message = `${url} cannot be reached: it has been silent for two minutes.`;
        throw new CliError(EXIT.unreachable, "server_unreachable", message);
      }
      if (before !== "streaming" && before !== "polling") return;
      state = "lost";
      say(cause ? "Connection lost; joining again …" : "The server ended the stream; joining again …");
    }
  };
}
