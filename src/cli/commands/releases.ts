import type { Command } from "commander";
import type { RunCommand } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { projectPath } from "../versions.ts";

interface ReleaseView {
  release_id: string;
  version: number;
  published_at: string;
  live_in: string[];
}

/** `platen releases PROJECT` */
export function addReleases(program: Command, run: RunCommand): void {
  program
    .command("releases <project>")
    .description("list the releases of a project and where each is live")
    .action((project: string, _options: unknown, command: Command) =>
      run(command, async ({ output, server }) => {
        const { releases } = await server().ask<{ releases: ReleaseView[] }>(
          "GET",
          `${projectPath(project)}/releases`,
          { holds: "releases" },
        );
        for (const release of releases) {
          output.emit(release);
          const live =
            release.live_in.length > 0 ? output.style("green", `live in ${release.live_in.join(", ")}`) : "not live";
          output.say(`${release.release_id}  v${release.version}  ${release.published_at.slice(0, 19)}Z  ${live}`);
        }
        if (releases.length === 0) output.say(`Project ${project} has no release yet.`);
        return EXIT.ok;
      }),
    );
}
