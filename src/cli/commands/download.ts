import type { Command } from "commander";
import { printable } from "../../../contract/printable.ts";
import { fileName } from "../../artifacts/file-name.ts";
import { CliError } from "../cli-error.ts";
import type { CliContext, RunCommand } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { ListedJob } from "../job-view.ts";
import { receiveFile } from "../receive-file.ts";

interface DownloadOptions {
  output?: string;
  force?: boolean;
}

/** Of `GET /artifacts/{id}`, what is read here. */
interface ArtifactView {
  id: string;
  name: string;
  size: number;
  sha256: string;
}

/** `platen download JOB` */
export function addDownload(program: Command, run: RunCommand): void {
  program
    .command("download <job>")
    .description("save the file that a job has made")
    .option("-o, --output <file>", "where to; default: the file's own name, in this folder; - for the standard output")
    .option("-f, --force", "in the place of a file that is there already")
    .action((id: string, options: DownloadOptions, command: Command) =>
      run(command, (context) => download(context, id, options)),
    );
}

async function download(context: CliContext, id: string, options: DownloadOptions): Promise<ExitCode> {
  const { output, server, signal } = context;
  const job = await server().ask<ListedJob>("GET", `/jobs/${encodeURIComponent(id)}`, { holds: "status", retries: 2 });
  const made = (job.result as { artifact?: { id?: unknown } } | null)?.artifact?.id;
  if (typeof made !== "string") {
    throw new CliError(EXIT.refused, "no_artifact", `Job ${job.job_id} has made no file: it is ${job.status}.`, {
      lines: [`\`platen watch ${job.job_id}\` tells how it ends.`],
    });
  }
  const path = `/artifacts/${made}`;
  const artifact = await server().ask<ArtifactView>("GET", path, { holds: "sha256", retries: 2 });
  const file = options.output ?? fileName(artifact.name);
  // A file on the standard output leaves no room for sentences there.
  const toStdout = file === "-";
  const target = toStdout ? { stream: output.stream } : { file, force: options.force === true };
  await receiveFile({ server: server(), path: `${path}/download`, artifact, target, signal });
  if (toStdout) return EXIT.ok;
  output.emit({ file, size: artifact.size, sha256: artifact.sha256, artifact: artifact.id });
  output.say(`${output.style("green", "✓")} ${printable(file)}: ${artifact.size} bytes`);
  return EXIT.ok;
}
