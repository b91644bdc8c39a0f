import { Option, type Command } from "commander";
import type { Percentiles } from "../../jobs/statistics/histogram.ts";
import type { JobStats, TypeStats } from "../../jobs/statistics/job-stats.ts";
import { WINDOW_NAMES, type WindowName } from "../../jobs/statistics/windows.ts";
import type { RunCommand } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import type { Output } from "../output.ts";

interface StatsOptions {
  window: WindowName;
  type?: string;
}

/** `platen stats` */
export function addStats(program: Command, run: RunCommand): void {
  program
    .command("stats")
    .description("tell how many jobs ended as what, how long they took, and what waits")
    .addOption(new Option("--window <window>", "how far back").choices(WINDOW_NAMES).default("24h"))
    .option("--type <type>", "only jobs of this type")
    .action(({ window, type }: StatsOptions, command: Command) =>
      run(command, async ({ output, server }) => {
        const query = new URLSearchParams({ window, ...(type === undefined ? {} : { type }) });
        const path = `/jobs/stats?${query.toString()}`;
        const stats = await server().ask<JobStats>("GET", path, { retries: 2, holds: "types" });
        output.emit(stats);
        output.say(`Since ${stats.from.slice(0, 16).replace("T", " ")} UTC`);
        for (const each of stats.types) tell(output, each);
        if (stats.types.length === 0) output.say("No job has ended, and none is open.");
        if (stats.pending) output.say(output.style("yellow", "More has ended than is counted here: ask again soon."));
        return EXIT.ok;
      }),
    );
}

function tell(output: Output, { type, ended, states, failure_codes, throughput, queue }: TypeStats): void {
  const waits =
    queue.oldest_waiting_seconds === null ? "" : `, the oldest for ${secondsText(queue.oldest_waiting_seconds)}`;
  output.say(output.style("bold", type ?? "all types"));
  output.say(
    `  ${queue.running} running, ${queue.queued} waiting${waits}; ${ended} ended, ${throughput.per_hour} an hour`,
  );
  for (const { status, count, wait, run } of states)
    output.say(`  ${status.padEnd(20)} ${String(count).padStart(7)}  waited ${text(wait)}  ran ${text(run)}`);
  if (failure_codes.length > 0)
    output.say(`  failed with ${failure_codes.map(({ code, count }) => `${code} (${count})`).join(", ")}`);
}

/** p50, p95 and p99. */
function text(times: Percentiles | null): string {
  if (!times) return "–";
  return [times.p50_ms, times.p95_ms, times.p99_ms].map((ms) => secondsText(ms / 1_000)).join(" / ");
}

function secondsText(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1_000)} ms`;
  if (seconds < 120) return `${Number(seconds.toPrecision(3))} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
