import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import type { CliContext, RunCommand } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { leftOutLines } from "../import/left-out.ts";
import { readProjectFolder } from "../import/read-project-folder.ts";
import { uploadProject } from "../import/upload-project.ts";
import { parseParallel, parseSlug, parseVersion } from "../parse-option.ts";
import { createProgressBar } from "../progress-bar.ts";

interface ImportOptions {
  project?: string;
  version?: number | "new";
  parallel: number;
  resend: boolean;
}

/** `platen import FOLDER` */
export function addImport(program: Command, run: RunCommand): void {
  program
    .command("import <folder>")
    .description("put a project folder into a draft version: config, layers, overlays, tiles")
    .option("--project <slug>", "which project; made if it does not exist; project.json's slug by default", parseSlug)
    .option(
      "--version <number|new>",
      "which draft; by default the newest draft, or a new version if there is none",
      (text) => (text === "new" ? text : parseVersion(text)),
    )
    .option("--parallel <number>", "tiles on their way at a time", parseParallel, 12)
    .option("--resend", "send every tile, also those that the server has: mends what its store has lost", false)
    .action((folder: string, options: ImportOptions, command: Command) =>
      run(command, (context) => importFolder(context, folder, options)),
    );
}

async function importFolder(context: CliContext, path: string, options: ImportOptions): Promise<ExitCode> {
  const { output, server, signal } = context;
  const folder = await readProjectFolder(path, signal);
  const slug = options.project ?? folder.project.slug;
  if (!slug) {
    throw new CliError(EXIT.usage, "project_unnamed", "Neither --project nor project.json names a project.", {
      lines: ["Say which: `platen import FOLDER --project SLUG`."],
    });
  }
  for (const line of leftOutLines(folder)) output.say(output.style("dim", line));
  const bytes = folder.tiles.reduce((sum, { size }) => sum + size, 0);
  const bar = createProgressBar(output, "tiles", folder.tiles.length);
  let passed = 0;
  try {
    const summary = await uploadProject({
      server: server(),
      folder,
      slug,
      version: options.version,
      parallel: options.parallel,
      resend: options.resend,
      signal,
      say: (line) => bar.above(line),
      onTile(done, size) {
        passed += size;
        bar.update(done, `${done} of ${folder.tiles.length} · ${megabytes(passed)} of ${megabytes(bytes)} MB`);
      },
    });
    bar.stop();
    output.emit({ ...summary, skipped_files: [...folder.skipped, ...folder.superfluous] });
    const tiles = `${summary.tiles_sent} tiles sent, ${summary.tiles_reused} there already`;
    output.say(
      `${output.style("green", "✓")} Version ${summary.version} of ${slug}: ${summary.overlays} overlays, ${tiles}.`,
    );
    output.say(
      `  Check it with \`platen validate ${slug}\`, publish it with \`platen publish ${slug} --env dev --watch\`.`,
    );
    return EXIT.ok;
  } catch (error) {
    bar.stop();
    if (passed > 0) output.say("What has arrived stays; the same command goes on from there.");
    throw error;
  }
}

const megabytes = (bytes: number): string => (bytes / 1_000_000).toFixed(1);
