import type { Command } from "commander";
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { JobTypeView } from "../../jobs/job-type-view.ts";
import { reasonOf } from "../../errors.ts";
import { CliError } from "../cli-error.ts";
import type { CliContext, RunCommand } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { parseDeadline, parsePriority } from "../parse-option.ts";
import { checkPayload } from "../payload-words.ts";
import { showJob } from "../show-job.ts";

interface StartOptions {
  payload?: string;
  title?: string;
  priority?: number;
  deadline?: string;
  watch?: boolean;
}

interface Accepted {
  job_id: string;
  message: string | null;
}

/** `platen start TYPE` */
export function addStart(program: Command, run: RunCommand): void {
  program
    .command("start <type>")
    .description("start a job of any type (`platen job-types` lists them)")
    .option("--payload <json>", "what the type needs to know, as JSON; @FILE reads it from a file, @- from stdin")
    .option("--title <text>", "what people call the job")
    .option("--priority <number>", "1 first, 5 last; 3 by default", parsePriority)
    .option("--deadline <time>", "2h, or a moment as ISO 8601: it must have ended by then", parseDeadline)
    .option("--watch", "follow the job until it ends")
    .action((type: string, options: StartOptions, command: Command) =>
      run(command, (context) => start(context, type, options)),
    );
}

async function start(context: CliContext, type: string, options: StartOptions): Promise<ExitCode> {
  const { output, server } = context;
  const { payload: given, watch, ...terms } = options;
  const payload = given === undefined ? {} : await readPayload(given);
  const known = await server().ask<JobTypeView>("GET", `/job-types/${encodeURIComponent(type)}`, {
    retries: 2,
    holds: "payload",
  });
  checkPayload(type, known.payload, payload);
  const accepted = await server().ask<Accepted>("POST", "/jobs", {
    json: { type, payload, ...terms },
    // With the key, a request whose answer was lost leads to the same job.
    headers: { "idempotency-key": randomUUID() },
    retries: 3,
    holds: "job_id",
  });
  output.emit(accepted);
  output.say(`${accepted.message ?? known.label}: ${accepted.job_id}`);
  if (watch) return showJob(context, accepted.job_id);
  output.say(`Follow it with \`platen watch ${accepted.job_id}\`.`);
  return EXIT.ok;
}

/** Errors: payload_unreadable. */
async function readPayload(given: string): Promise<unknown> {
  const file = given.startsWith("@") ? given.slice(1) : null;
  try {
    if (file === null) return JSON.parse(given) as unknown;
    return JSON.parse(file === "-" ? await text(process.stdin) : await readFile(file, "utf8")) as unknown;
  } catch (error) {
    const where = file === null ? "--payload" : file === "-" ? "stdin" : file;
    throw new CliError(
      EXIT.usage,
      "payload_unreadable",
      `${where} holds no JSON that can be read: ${reasonOf(error)}.`,
      {
        lines: [`Give an object like '{"project": "town"}', or @FILE to read it from a file.`],
        cause: error,
      },
    );
  }
}
