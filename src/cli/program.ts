/** All commands and the options they share. */
import { Command, CommanderError, Option } from "commander";
import { addAudit } from "./commands/audit.ts";
import { addCancel } from "./commands/cancel.ts";
import { addDownload } from "./commands/download.ts";
import { addDraft } from "./commands/draft.ts";
import { addImport } from "./commands/import.ts";
import { addJobs } from "./commands/jobs.ts";
import { addJobTypes } from "./commands/job-types.ts";
import { addPublish } from "./commands/publish.ts";
import { addGate } from "./commands/gate.ts";
import { addReleases } from "./commands/releases.ts";
import { addReplay } from "./commands/replay.ts";
import { addRetry } from "./commands/retry.ts";
import { addStats } from "./commands/stats.ts";
import { addSource } from "./commands/source.ts";
import { addStart } from "./commands/start.ts";
import { addUpload } from "./commands/upload.ts";
import { addSchedules } from "./commands/schedules.ts";
import { addValidate } from "./commands/validate.ts";
import { addWatch } from "./commands/watch.ts";
import { addWorker } from "./commands/worker.ts";
import { createRunner, type Streams } from "./context.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";

const FOOTER = `
Server and key: --server and --api-key, else PLATEN_SERVER and PLATEN_API_KEY, else the stack that
\`npm start\` runs in this folder or above it (.platen/stack.json).
Exit codes: 0 done · 1 refused or failed · 2 wrong usage · 3 server unreachable · 4 job cancelled · 130 interrupted.`;

/** Runs one command line (without `node` and the script) and answers its exit code; it never throws. */
export async function runCli(args: readonly string[], streams: Streams, signal: AbortSignal): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const run = createRunner(streams, signal, (finished) => (code = finished));
  const program = new Command("platen")
    .description("Imports, checks and publishes map releases, and watches the jobs that do it.")
    .addOption(new Option("--server <url>", "the gateway, e.g. http://127.0.0.1:8080"))
    .addOption(new Option("--api-key <key>", "whose rights to use; seen in process lists, PLATEN_API_KEY is not"))
    .option("--json", "print JSON lines for machines instead of sentences")
    .option("--no-color", "print without colours")
    .addHelpText("after", FOOTER)
    .configureOutput({
      writeOut: (text) => void streams.stdout.write(text),
      writeErr: (text) => void streams.stderr.write(text),
    })
    .exitOverride()
    .showHelpAfterError("(platen --help lists commands and options)");
  const drafts = [addImport, addDraft, addUpload, addSource, addValidate, addPublish, addReleases];
  const jobs = [addJobTypes, addStart, addWatch, addJobs, addStats, addCancel, addRetry, addDownload];
  const operating = [addSchedules, addReplay, addGate, addAudit, addWorker];
  for (const add of [...drafts, ...jobs, ...operating]) add(program, run);
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version are thrown too, with 0.
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  return code;
}
