import type { Command } from "commander";
import type { RunCommand } from "../context.ts";
import { EXIT } from "../exit-codes.ts";

/** `platen cancel JOB` */
export function addCancel(program: Command, run: RunCommand): void {
  program
    .command("cancel <job>")
    .description("ask a job to stop; a publish that is live already cannot be cancelled")
    .option("--reason <text>", "kept with the job")
    .action((job: string, options: { reason?: string }, command: Command) =>
      run(command, async ({ output, server }) => {
        // A repeated cancel changes nothing, so it may be sent again.
        const answer = await server().ask<{ status: string; message?: string }>(
          "POST",
          `/jobs/${encodeURIComponent(job)}/cancel`,
          { json: options, retries: 2, holds: "status" },
        );
        output.emit(answer);
        output.say(answer.message ?? `The job is ${answer.status}.`);
        return EXIT.ok;
      }),
    );
}
