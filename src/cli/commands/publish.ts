import { Option, type Command } from "commander";
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline/promises";
import { ENVIRONMENTS, type Environment } from "../../../contract/publish.ts";
import { CliError } from "../cli-error.ts";
import type { CliContext, RunCommand } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { parseVersion } from "../parse-option.ts";
import { showJob } from "../show-job.ts";
import { newestVersion, versionPath } from "../versions.ts";

interface PublishOptions {
  version?: number;
  env?: Environment;
  watch?: boolean;
  yes?: boolean;
}

interface Accepted {
  job_id: string;
  status: string;
  message: string;
}

/** `platen publish PROJECT` */
export function addPublish(program: Command, run: RunCommand): void {
  program
    .command("publish <project>")
    .description("publish a version: make it a release and make that release live")
    .option("--version <number>", "which version; the newest by default", parseVersion)
    .addOption(
      new Option("--env <environment>", "where; production by default, after a question").choices(ENVIRONMENTS),
    )
    .option("--watch", "follow the job until it ends")
    .option("--yes", "do not ask before publishing to production")
    .action((project: string, options: PublishOptions, command: Command) =>
      run(command, (context) => publish(context, project, options)),
    );
}

async function publish(context: CliContext, project: string, options: PublishOptions): Promise<ExitCode> {
  const { output, server } = context;
  const environment = options.env ?? "production";
  const asks = environment === "production" && !options.yes;
  const terminal = process.stdin.isTTY && output.terminal;
  if (asks && !terminal && !options.env) {
    throw new CliError(
      EXIT.usage,
      "environment_unnamed",
      "Nobody is there to be asked whether this may go to production.",
      {
        lines: ["Name the environment (--env dev, --env staging, --env production), or say --yes."],
      },
    );
  }
  const version = options.version ?? (await newestVersion(server(), project)).version;
  if (asks && terminal && !(await confirm(context, `Publish version ${version} of ${project} to production?`))) {
    output.say("Nothing was published.");
    return EXIT.refused;
  }
  const accepted = await server().ask<Accepted>("POST", `${versionPath(project, version)}/publish`, {
    json: { target_environment: environment },
    // With the key, a request whose answer was lost leads to the same job.
    headers: { "idempotency-key": randomUUID() },
    retries: 3,
    holds: "job_id",
  });
  output.emit(accepted);
  output.say(`Publishing version ${version} of ${project} to ${environment}: ${accepted.job_id}`);
  if (options.watch) return showJob(context, accepted.job_id);
  output.say(`Follow it with \`platen watch ${accepted.job_id}\`.`);
  return EXIT.ok;
}

async function confirm({ output, signal }: CliContext, question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: output.stream });
  // Readline takes Ctrl-C for itself.
  lines.on("SIGINT", () => process.emit("SIGINT"));
  try {
    const answer = await lines.question(`${question} [y/N] `, { signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}
