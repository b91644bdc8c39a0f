import { Option, type Command } from "commander";
import { JOB_STATUSES, type JobStatus } from "../../../contract/job-state.ts";
import { printable } from "../../../contract/printable.ts";
import type { RunCommand } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { statusText, type ListedJob } from "../job-view.ts";
import { parseLimit } from "../parse-option.ts";
import type { Output } from "../output.ts";
import type { Server } from "../server.ts";

interface JobsOptions {
  status?: JobStatus;
  project?: string;
  type?: string;
  dead?: boolean;
  limit: number;
}

interface JobPage {
  jobs: ListedJob[];
  next_cursor: string | null;
  /** Of dead letters. */
  counts?: { type: string; code: string | null; count: number }[];
}

/** What the server gives at a time. */
const PAGE = 100;

/** `platen jobs` */
export function addJobs(program: Command, run: RunCommand): void {
  program
    .command("jobs")
    .description("list jobs, newest first")
    .addOption(new Option("--status <status>", "only these").choices(JOB_STATUSES))
    .option("--project <slug>", "only those of one project")
    .option("--type <type>", "only those of one type")
    .addOption(new Option("--dead", "dead letters: what has failed for good").conflicts("status"))
    .option("--limit <number>", "how many at most", parseLimit, 20)
    .action((options: JobsOptions, command: Command) =>
      run(command, async ({ output, server }) => {
        let count = 0;
        for await (const job of listJobs(server(), options, (page) => tellCounts(output, page))) {
          count += 1;
          output.emit(job);
          output.say(row(output, job));
          if (options.dead)
            output.say(output.style("dim", `  ${job.error_code ?? "unknown"}: ${printable(job.error ?? "")}`));
        }
        if (count === 0) output.say("There are no such jobs.");
        return EXIT.ok;
      }),
    );
}

/** Page by page, so that a long list is printed while it comes in. */
async function* listJobs(
  server: Server,
  { status, project, type, dead, limit }: JobsOptions,
  begin: (first: JobPage) => void,
): AsyncGenerator<ListedJob> {
  const path = dead ? "/jobs/dead-letters" : "/jobs";
  let cursor: string | null = null;
  for (let left = limit; left > 0;) {
    const query = new URLSearchParams({ limit: String(Math.min(PAGE, left)) });
    if (status) query.set("status", status);
    if (project) query.set("project", project);
    if (type) query.set("type", type);
    if (cursor) query.set("cursor", cursor);
    const page: JobPage = await server.ask<JobPage>("GET", `${path}?${query.toString()}`, {
      retries: 2,
      holds: "jobs",
    });
    if (left === limit) begin(page);
    yield* page.jobs;
    left -= page.jobs.length;
    cursor = page.next_cursor;
    if (!cursor || page.jobs.length === 0) return;
  }
}

/** How many dead letters there are of what, in all. */
function tellCounts(output: Output, { counts }: JobPage): void {
  for (const { type, code, count } of counts ?? [])
    output.say(`${String(count).padStart(6)}  ${type}  ${code ?? "unknown"}`);
}

function row(output: Output, job: ListedJob): string {
  const target = job.project ? `${job.project} v${job.version ?? "?"} → ${job.environment ?? "?"}` : job.job_type;
  const what = printable(job.name ?? target);
  const when = job.created_at.slice(0, 19).replace("T", " ");
  const look = job.attention ? [output.style("yellow", `! ${job.attention.code}`)] : [];
  const percent = `${job.progress} %`.padStart(5);
  return [job.job_id, statusText(output, job.status, 21), percent, `${when} UTC`, what, ...look].join("  ");
}
