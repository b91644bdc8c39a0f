import type { Command } from "commander";
import type { JobTypeView } from "../../jobs/job-type-view.ts";
import type { RunCommand } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { payloadText } from "../payload-words.ts";

/** `platen job-types` */
export function addJobTypes(program: Command, run: RunCommand): void {
  program
    .command("job-types")
    .description("list what jobs the server can do, and what each needs to know")
    .action((_options: object, command: Command) =>
      run(command, async ({ output, server }) => {
        const { job_types } = await server().ask<{ job_types: JobTypeView[] }>("GET", "/job-types", {
          retries: 2,
          holds: "job_types",
        });
        const width = Math.max(...job_types.map(({ type }) => type.length));
        for (const each of job_types) {
          output.emit(each);
          output.say(`${output.style("cyan", each.type.padEnd(width))}  ${each.description}`);
          output.say(output.style("dim", `${" ".repeat(width)}  queue ${each.queue} · ${payloadText(each.payload)}`));
        }
        return EXIT.ok;
      }),
    );
}
