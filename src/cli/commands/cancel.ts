import type { Command } from "commander";
import type { CliContext, RunCommand } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { ListedJob } from "../job-view.ts";
import { followJob } from "../show-job.ts";
import { outlookLine, receiptLines } from "../trials.ts";

interface CancelOptions {
  reason?: string;
  watch?: boolean;
}

/** `platen cancel JOB` */
export function addCancel(program: Command, run: RunCommand): void {
  program
    .command("cancel <job>")
    .description("ask a job to stop; a publish that is live already cannot be cancelled")
    .option("--reason <text>", "kept with the job")
    .option("--watch", "follow the job until it has stopped")
    .action((id: string, options: CancelOptions, command: Command) =>
      run(command, (context) => cancel(context, id, options)),
    );
}

async function cancel(context: CliContext, id: string, { reason, watch }: CancelOptions): Promise<ExitCode> {
  const { output, server } = context;
  // Asked again, it answers the same receipt, so it may be sent again.
  const job = await server().ask<ListedJob>("POST", `/jobs/${encodeURIComponent(id)}/cancel`, {
    ...{ json: reason === undefined ? {} : { reason }, retries: 2, holds: "status" },
  });
  output.emit(job);
  const { cancellation } = job;
  // A server of before 0.2 gives no receipt.
  if (!cancellation) output.say(`Asked: the job is ${job.status}. \`platen watch ${id}\` tells.`);
  for (const line of cancellation ? receiptLines(cancellation) : []) output.say(line);
  if (!watch || cancellation?.outcome === "cancelled") {
    if (cancellation) output.say(outlookLine(cancellation, id));
    return EXIT.ok;
  }
  const ended = await followJob(context, id, cancellation ?? undefined);
  return ended.status === "cancelled" ? EXIT.ok : EXIT.refused;
}
