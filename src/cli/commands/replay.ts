import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Option, type Command } from "commander";
import { printable } from "../../../contract/printable.ts";
import { readableJobId } from "../../../contract/workflow-id.ts";
import { reasonOf } from "../../errors.ts";
import { parseNamed, type Named } from "../../replay/find-history.ts";
import { readHistoryText, type FoundHistory } from "../../replay/history-file.ts";
import { CliError } from "../cli-error.ts";
import type { CliContext, GlobalOptions, RunCommand } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { parsePort, parseRun } from "../parse-option.ts";
import type { TemporalFlags } from "../replay/find-temporal.ts";
import { redactionWords } from "../replay/show-replay.ts";

interface ReplayOptions extends TemporalFlags {
  bundle?: string;
  save?: string;
  run?: string;
  /** True without a port. */
  inspect?: number | true;
}

/** Where Chrome and VS Code look by themselves. */
const INSPECTOR_PORT = 9229;

/** `platen replay JOB` */
export function addReplay(program: Command, run: RunCommand): void {
  program
    .command("replay [job]")
    .description("replay a job's workflow with the code of this checkout, and tell what happened in it")
    .addOption(
      new Option("--bundle <file>", "replay this bundle or downloaded history; asks no server").conflicts([
        "save",
        "run",
      ]),
    )
    .option("--save <file>", "where to write the bundle; JOB.platen-replay.json by default")
    .option("--run <id>", "which run of the job; the current one by default", parseRun)
    .option("--inspect [port]", "wait for a debugger, at port 9229 by default", parsePort)
    .option("--temporal <address>", "host:port of Temporal, to ask it instead of the gateway")
    .option("--namespace <name>", "Temporal's namespace")
    .addHelpText("after", "\nJOB: a job's id, a workflow's id, the URL of its page in the Temporal Web UI, or a file.")
    .action((job: string | undefined, options: ReplayOptions, command: Command) =>
      run(command, (context) => replay(context, job, { ...options, ...serverOf(command) })),
    );
}

function serverOf(command: Command): Pick<TemporalFlags, "server"> {
  const { server } = command.optsWithGlobals<GlobalOptions>();
  return server === undefined ? {} : { server };
}

async function replay(context: CliContext, job: string | undefined, options: ReplayOptions): Promise<ExitCode> {
  if (options.bundle !== undefined && job !== undefined)
    throw new CliError(EXIT.usage, "two_histories", `Name either ${job} or a file with --bundle: one is replayed.`);
  const named = options.bundle === undefined && job !== undefined ? parseNamed(job) : null;
  if (named) {
    const { fetchBundle } = await import("../replay/fetch-bundle.ts");
    const run = { ...named, ...(options.run ? { run_id: options.run } : {}) };
    return saved(
      context,
      options.save ?? fileName(named),
      options,
      fetchBundle(context, run, options, context.output.say),
    );
  }
  const path = options.bundle ?? job;
  if (path === undefined)
    throw new CliError(EXIT.usage, "no_job", "Name a job, or a file with --bundle.", {
      lines: ["`platen replay --help` says how."],
    });
  if (options.bundle === undefined && !existsSync(path))
    throw new CliError(
      EXIT.usage,
      "job_unreadable",
      `${path} is no job, no workflow, no page of the Temporal Web UI, and no file.`,
    );
  if (options.save === undefined) return replayFile(context, path, options.inspect);
  const { bundleOfFile } = await import("../replay/bundle-of-file.ts");
  return saved(context, options.save, options, bundleOfFile(await readFound(path)));
}

const fileName = ({ job_id, workflow_ids }: Named): string =>
  `${job_id ? readableJobId(job_id) : workflow_ids.join().replaceAll(/[^\w.-]/g, "_")}.platen-replay.json`;

/** Writes the bundle, and replays what was written: so it is known to replay elsewhere. */
async function saved(
  context: CliContext,
  path: string,
  { inspect }: ReplayOptions,
  pieces: AsyncIterable<string>,
): Promise<ExitCode> {
  const { writeBundle } = await import("../replay/write-bundle.ts");
  await writeBundle(path, pieces);
  context.output.say(`Wrote ${path}.`);
  return replayFile(context, path, inspect, path);
}

async function replayFile(
  context: CliContext,
  path: string,
  inspect: ReplayOptions["inspect"],
  written: string | null = null,
): Promise<ExitCode> {
  const { output } = context;
  const found = await readFound(path);
  const { inspectReplay, requireDebugger } = await import("../replay/inspect-replay.ts");
  requireDebugger();
  if (inspect !== undefined) {
    return inspectReplay(context, resolve(path), inspect === true ? INSPECTOR_PORT : inspect);
  }
  for (const line of headLines(found)) output.say(printable(line));
  const { runReplay } = await import("../replay/run-replay.ts");
  return (await runReplay(output, found, written)) ? EXIT.refused : EXIT.ok;
}

/** Errors: `file_unreadable`, with what is wrong with it. */
async function readFound(path: string): Promise<FoundHistory> {
  try {
    return readHistoryText(await readFile(path, "utf8"));
  } catch (error) {
    throw new CliError(EXIT.refused, "file_unreadable", `${path} cannot be replayed: ${printable(reasonOf(error))}.`, {
      lines: [
        "It can be a bundle, the output of `temporal workflow show --output json`, or a download of the Temporal Web UI.",
      ],
      cause: error,
    });
  }
}

function headLines({ workflow_id, run_id, bundle }: FoundHistory): string[] {
  const head = `Replaying ${workflow_id}, run ${run_id ?? "unknown"}.`;
  if (!bundle) return [head];
  const { made_at, versions, ran_by, redactions } = bundle;
  const builds = ran_by.length > 0 ? `; decided by build ${ran_by.join(", ")}` : "";
  return [
    head,
    `Bundle of ${made_at.slice(0, 19)}Z, platen ${versions.platen}${builds}; ${redactionWords(redactions)}.`,
  ];
}
