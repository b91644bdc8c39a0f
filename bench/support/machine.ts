/** The machine's facts: a ratio is compared with another one only together with them. */
import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";
import { ROOT } from "./root.ts";

export function machineFacts(): Record<string, unknown> {
  return {
    date: new Date().toISOString(),
    commit: commit(),
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memory_gb: Math.round(totalmem() / 1e9),
    kernel: `${type()} ${release()}`,
    node: process.version,
    /** Of the last minute, before anything was started: above 0.5 somebody else is at work. */
    load_before: Number(loadavg()[0]?.toFixed(2)),
  };
}

/** `abc1234`, or `abc1234 with changes`. */
function commit(): string {
  const git = (...args: string[]): string => execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim();
  try {
    const changed = git("status", "--porcelain", "--untracked-files=no") !== "";
    return `${git("rev-parse", "--short", "HEAD")}${changed ? " with changes" : ""}`;
  } catch {
    return "unknown";
  }
}
