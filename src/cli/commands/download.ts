import type { Command } from "commander";
import { printable } from "../../../contract/printable.ts";
import { fileName } from "../../artifacts/file-name.ts";
import { CliError } from "../cli-error.ts";
import type { CliContext, RunCommand } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { filesOf, type JobFile } from "../job-result.ts";
import type { ListedJob } from "../job-view.ts";
import { receiveFile } from "../receive-file.ts";

interface DownloadOptions {
  output?: string;
  force?: boolean;
  errors?: boolean;
  file?: string;
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
    .option("--errors", "the list of what an import has left out")
    .option("--file <member>", "another file that the job's result names, such as changes")
    .option("-f, --force", "in the place of a file that is there already")
    .action((id: string, options: DownloadOptions, command: Command) =>
      run(command, (context) => download(context, id, options)),
    );
}

async function download(context: CliContext, id: string, options: DownloadOptions): Promise<ExitCode> {
  const { output, server, signal } = context;
  const job = await server().ask<ListedJob>("GET", `/jobs/${encodeURIComponent(id)}`, { holds: "status", retries: 2 });
  const member = options.errors ? "errors_artifact" : (options.file ?? "artifact");
  const files = filesOf(job.job_type, job.result ?? {});
  const made = files.find((each) => each.member === member)?.id;
  if (made === undefined) throw noArtifact(job, member, files);
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

/** Says which files there are instead. */
function noArtifact({ job_id, status }: ListedJob, member: string, files: readonly JobFile[]): CliError {
  const what = member === "artifact" ? "" : ` ${printable(member)}`;
  const others = files.map((each) => (each.member === "artifact" ? "none" : `--file ${each.member}`));
  const lines =
    files.length > 0
      ? [`With these options there is one: ${others.join(", ")}.`]
      : [`\`platen watch ${job_id}\` tells how it ends.`];
  return new CliError(EXIT.refused, "no_artifact", `Job ${job_id} has made no file${what}: it is ${status}.`, {
    lines,
  });
}
