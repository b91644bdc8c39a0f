import type { Command } from "commander";
import type { RunCommand } from "../context.ts";
import { showJob } from "../show-job.ts";

/** `platen watch JOB` */
export function addWatch(program: Command, run: RunCommand): void {
  program
    .command("watch <job>")
    .description("follow a job live until it ends; joins again where a lost connection broke off")
    .action((job: string, _options: unknown, command: Command) => run(command, (context) => showJob(context, job)));
}
