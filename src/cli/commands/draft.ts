import type { Command } from "commander";
import type { CliContext, RunCommand } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { ensureDraft, ensureProject } from "../import/upload-project.ts";
import { parseSlug } from "../parse-option.ts";
import { versionPath } from "../versions.ts";

/** `platen draft PROJECT` */
export function addDraft(program: Command, run: RunCommand): void {
  program
    .command("draft")
    .argument("<project>", "its slug; made if it does not exist", parseSlug)
    .option("--name <name>", "of a project that is made, and the title of the draft; its slug by default")
    .description("make an empty draft, for jobs to fill: a picture's tiles, a plan, a table")
    .action((project: string, { name = project }: { name?: string }, command: Command) =>
      run(command, (context) => makeDraft(context, project, name)),
    );
}

/** A draft that is there already is taken as it is, so that the command can be repeated. */
async function makeDraft({ server, output }: CliContext, slug: string, name: string): Promise<ExitCode> {
  const made = await ensureProject(server(), slug, name);
  const { number, created } = await ensureDraft({ server: server(), slug, version: undefined });
  if (created) await server().tell("PUT", `${versionPath(slug, number)}/config`, { json: { title: name }, retries: 4 });
  output.emit({ project: slug, version: number, created: { project: made, version: created } });
  const what = created ? "an empty draft" : "a draft that was there already";
  output.say(`${output.style("green", "✓")} Version ${number} of ${slug} is ${what}.`);
  return EXIT.ok;
}
