import type { Command } from "commander";
import { randomUUID } from "node:crypto";
import type { RetryPreview } from "../../jobs/retry-preview.ts";
import type { CliContext, RunCommand } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { previewLines } from "../retry-view.ts";
import { showJob } from "../show-job.ts";

interface RetryOptions {
  from?: string;
  preview?: boolean;
  watch?: boolean;
}

interface Retried {
  job_id: string;
  generation: number;
  from: string;
  message: string;
}

/** `platen retry JOB` */
export function addRetry(program: Command, run: RunCommand): void {
  program
    .command("retry <job>")
    .description("start a failed or cancelled job again, behind the steps that have finished")
    .option("--from <step>", "begin at this step; by default at the one that has not finished")
    .option("--preview", "only tell what would run again, what is reused, and what it would touch")
    .option("--watch", "follow the job until it ends")
    .action((job: string, options: RetryOptions, command: Command) =>
      run(command, (context) => (options.preview ? preview(context, job, options) : retry(context, job, options))),
    );
}

async function retry(context: CliContext, job: string, { from, watch }: RetryOptions): Promise<ExitCode> {
  const { output, server } = context;
  const retried = await server().ask<Retried>("POST", `/jobs/${encodeURIComponent(job)}/retry`, {
    json: from === undefined ? {} : { from },
    // With the key, a request whose answer was lost opens one generation only.
    headers: { "idempotency-key": randomUUID() },
    retries: 3,
    holds: "generation",
  });
  output.emit(retried);
  // The server says why, where it begins before the step that was asked for.
  output.say(`${retried.message} (generation ${retried.generation}).`);
  if (watch) return showJob(context, retried.job_id);
  output.say(`Follow it with \`platen watch ${retried.job_id}\`.`);
  return EXIT.ok;
}

async function preview({ output, server }: CliContext, job: string, { from }: RetryOptions): Promise<ExitCode> {
  const wish = from === undefined ? "" : `?${new URLSearchParams({ from }).toString()}`;
  const told = await server().ask<RetryPreview>("GET", `/jobs/${encodeURIComponent(job)}/retry-preview${wish}`, {
    retries: 2,
    holds: "steps",
  });
  output.emit(told);
  for (const line of previewLines(output, told)) output.say(line);
  return told.allowed ? EXIT.ok : EXIT.refused;
}
