import type { Command } from "commander";
import type { Problem } from "../../../contract/problem.ts";
import { problemLines } from "../cli-error.ts";
import type { RunCommand } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { parseVersion } from "../parse-option.ts";
import { newestVersion, versionPath } from "../versions.ts";

interface Validation {
  valid: boolean;
  errors: Problem[];
}

/** `platen validate PROJECT` */
export function addValidate(program: Command, run: RunCommand): void {
  program
    .command("validate <project>")
    .description("say what keeps a version from being published; starts nothing")
    .option("--version <number>", "which version; the newest by default", parseVersion)
    .action((project: string, options: { version?: number }, command: Command) =>
      run(command, async ({ output, server }) => {
        const version = options.version ?? (await newestVersion(server(), project)).version;
        const path = `${versionPath(project, version)}/publish/validate`;
        const { valid, errors } = await server().ask<Validation>("GET", path, { timeout: 0, holds: "errors" });
        output.emit({ project, version, valid, errors });
        if (valid) {
          output.say(`${output.style("green", "✓")} Version ${version} of ${project} can be published.`);
          return EXIT.ok;
        }
        output.say(`${output.style("red", "✗")} Version ${version} of ${project} has ${errors.length} problem(s):`);
        for (const line of problemLines(errors)) output.say(line);
        return EXIT.refused;
      }),
    );
}
