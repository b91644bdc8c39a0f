import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { createInterface } from "node:readline";
import type { Command } from "commander";
import type { RunCommand } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { parseLimit } from "../parse-option.ts";

interface AuditOptions {
  job?: string;
  project?: string;
  principal?: string;
  action?: string;
  since?: string;
  until?: string;
  limit: number;
  csv?: boolean;
}

interface AuditLine {
  at: string;
  principal: { name: string };
  action: string;
  resource: { id: string | null };
  outcome: string;
  code: string | null;
  remote_address: string | null;
}

/** `platen audit` */
export function addAudit(program: Command, run: RunCommand): void {
  program
    .command("audit")
    .description("tell who changed what, when and from where, newest first")
    .option("--job <id>", "only what was done to one job")
    .option("--project <slug>", "only what was done in one project")
    .option("--principal <name>", "only what one person or service did")
    .option("--action <action>", "only job.cancel, or all of job")
    .option("--since <time>", "ISO 8601")
    .option("--until <time>", "ISO 8601, not included")
    .option("--limit <number>", "how many at most", parseLimit, 50)
    .option("--csv", "print CSV, which spreadsheets open safely")
    .action(({ csv, ...options }: AuditOptions, command: Command) =>
      run(command, async ({ output, server }) => {
        const wanted = Object.entries(options).map(([name, value]) => [name, String(value)]);
        const query = new URLSearchParams([["format", csv ? "csv" : "ndjson"], ...wanted] as [string, string][]);
        const answer = await server().request("GET", `/audit?${query.toString()}`, { retries: 2 });
        const body = Readable.fromWeb(answer.body as ReadableStream<Uint8Array>);
        if (csv) {
          await pipeline(body, output.stream, { end: false });
          return EXIT.ok;
        }
        let count = 0;
        for await (const line of createInterface({ input: body })) {
          const event = JSON.parse(line) as AuditLine;
          count += 1;
          output.emit(event);
          output.say(lineOf(output, event));
        }
        if (count === 0) output.say("There are no such events.");
        return EXIT.ok;
      }),
    );
}

function lineOf(output: Output, event: AuditLine): string {
  const { at, principal, action, resource, outcome, code, remote_address } = event;
  const color = outcome === "succeeded" ? "green" : outcome === "unknown" ? "yellow" : "red";
  const became = output.style(color, code === null ? outcome : `${outcome} (${code})`);
  const when = `${at.slice(0, 19).replace("T", " ")} UTC`;
  const what = [principal.name.padEnd(20), action.padEnd(18), resource.id ?? "–"];
  return [when, ...what, became, ...(remote_address === null ? [] : [`from ${remote_address}`])].join("  ");
}
