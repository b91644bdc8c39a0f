import type { Command } from "commander";
import { isFinal } from "../../../contract/job-state.ts";
import type { RunCommand } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import type { ListedJob } from "../job-view.ts";

/** `platen cancel JOB` */
export function addCancel(program: Command, run: RunCommand): void {
  program
    .command("cancel <job>")
    .description("ask a job to stop; a publish that is live already cannot be cancelled")
    .option("--reason <text>", "kept with the job")
    .action((id: string, options: { reason?: string }, command: Command) =>
      run(command, async ({ output, server }) => {
        // A repeated cancel changes nothing, so it may be sent again.
        const job = await server().ask<ListedJob>("POST", `/jobs/${encodeURIComponent(id)}/cancel`, {
          json: options,
          retries: 2,
          holds: "status",
        });
        output.emit(job);
        output.say(
          isFinal(job.status)
            ? `The job is ${job.status}.`
            : `Asked: the job is ${job.status} and stops within seconds, unless it goes live first. \`platen watch ${id}\` tells.`,
        );
        return EXIT.ok;
      }),
    );
}
