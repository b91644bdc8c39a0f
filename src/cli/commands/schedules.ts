import { InvalidArgumentError, Option, type Command } from "commander";
import { OVERLAPS } from "../../../contract/schedule.ts";
import type { CliContext, RunCommand } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";

/** What the server answers of a schedule. */
interface ScheduleView {
  id: string;
  name: string;
  type: string;
  spec: { cron: string; time_zone: string } | { every_seconds: number; offset_seconds: number };
  overlap: string;
  paused: boolean | null;
  note: string | null;
  next: string[] | null;
  runs?: { scheduled_at: string; job_id: string | null; status: string | null; error: string | null }[];
}

interface CreateOptions {
  cron?: string;
  timeZone?: string;
  every?: number;
  overlap: string;
  payload: Record<string, unknown>;
  paused?: boolean;
}

const path = (id: string): string => `/schedules/${encodeURIComponent(id)}`;

/** `platen schedules …` */
export function addSchedules(program: Command, run: RunCommand): void {
  const schedules = program.command("schedules").description("jobs that are started by themselves");
  schedules
    .command("list", { isDefault: true })
    .description("list schedules with their next time")
    .action((_options: unknown, command: Command) => run(command, list));
  schedules
    .command("show <id>")
    .description("show the next five times and the last runs")
    .action((id: string, _options: unknown, command: Command) =>
      run(command, (context) => tell(context, "GET", path(id))),
    );
  schedules
    .command("create <name> <type>")
    .description("make a schedule; each of its runs is an ordinary job")
    .option("--cron <fields>", "minute, hour, day of month, month, day of week: '30 2 * * mon-fri'")
    .option("--time-zone <zone>", "of --cron, e.g. Europe/Berlin; UTC by default")
    .option("--every <seconds>", "instead of --cron", parseSeconds)
    .option("--payload <json>", "of its jobs", parsePayload, {})
    .addOption(new Option("--overlap <policy>", "when its last job has not ended").choices(OVERLAPS).default("skip"))
    .option("--paused", "do not begin yet")
    .action((name: string, type: string, options: CreateOptions, command: Command) =>
      run(command, (context) => create(context, name, type, options)),
    );
  for (const action of ["pause", "unpause", "trigger"] as const) {
    schedules
      .command(`${action} <id>`)
      .description(action === "trigger" ? "run it now" : action === "pause" ? "start nothing until unpause" : "go on")
      .action((id: string, _options: unknown, command: Command) =>
        run(command, (context) => tell(context, "POST", `${path(id)}/${action}`, {})),
      );
  }
  schedules
    .command("delete <id>")
    .description("start nothing by it any more; its jobs stay")
    .action((id: string, _options: unknown, command: Command) =>
      run(command, async ({ output, server }) => {
        await server().tell("DELETE", path(id));
        output.say(`Deleted schedule ${id}.`);
        return EXIT.ok;
      }),
    );
}

async function list({ output, server }: CliContext): Promise<ExitCode> {
  let count = 0;
  for (let after: string | null = ""; after !== null;) {
    const query: string = new URLSearchParams({ after, limit: "100" }).toString();
    const page: { schedules: ScheduleView[]; next: string | null } = await server().ask<{
      schedules: ScheduleView[];
      next: string | null;
    }>("GET", `/schedules?${query}`, { retries: 2, holds: "schedules" });
    for (const schedule of page.schedules) {
      output.emit(schedule);
      output.say(line(schedule));
    }
    count += page.schedules.length;
    after = page.next;
  }
  if (count === 0) output.say("There are no schedules.");
  return EXIT.ok;
}

async function create(
  context: CliContext,
  name: string,
  type: string,
  { cron, timeZone, every, overlap, payload, paused }: CreateOptions,
): Promise<ExitCode> {
  // What is missing or said twice the server tells, with its place.
  const spec = {
    ...(cron === undefined ? {} : { cron }),
    ...(timeZone === undefined ? {} : { time_zone: timeZone }),
    ...(every === undefined ? {} : { every_seconds: every }),
  };
  return tell(context, "POST", "/schedules", { name, type, payload, spec, overlap, ...(paused ? { paused } : {}) });
}

/** Asks, and shows the schedule as it is then. */
async function tell({ output, server }: CliContext, method: string, to: string, json?: object): Promise<ExitCode> {
  const schedule = await server().ask<ScheduleView>(method, to, { ...(json ? { json } : {}), holds: "next" });
  output.emit(schedule);
  output.say(line(schedule));
  if (schedule.note) output.say(`  note: ${schedule.note}`);
  for (const time of schedule.next ?? []) output.say(`  next  ${time}`);
  for (const { scheduled_at, job_id, status, error } of schedule.runs ?? []) {
    output.say(`  run   ${scheduled_at}  ${job_id ?? "no job"}  ${status ?? error ?? ""}`);
  }
  return EXIT.ok;
}

function line({ id, name, type, spec, paused, next }: ScheduleView): string {
  const when = "cron" in spec ? `${spec.cron} ${spec.time_zone}` : `every ${spec.every_seconds} s`;
  const state = next === null ? "Temporal does not say" : paused ? "paused" : `next ${next[0] ?? "never"}`;
  return [id, name, type, when, state].join("  ");
}

function parseSeconds(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("It must be a whole number of seconds.");
  return Number(text);
}

function parsePayload(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw new InvalidArgumentError("It must be a JSON object, e.g. '{\"dry_run\": true}'.");
}
