/** Telling a process from a later one that got the same pid. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";

/** Differs between any two processes that ever had this pid; null when none runs under it now. */
export async function identify(pid: number): Promise<string | null> {
  if (process.platform !== "linux") return (await ps(pid, "lstart=")) || null;
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  if (stat === null) return null;
  // The name, in brackets, may hold anything; the fields after it are numbered from 3 (proc_pid_stat(5)).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, startedAt] = [fields[0], fields[22 - 3]];
  if (state === "Z") return null; // dead, and its parent (a container's pid 1, often) never asked
  const boot = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  return `${boot} ${startedAt}`;
}

/** The command that runs under a pid, empty when there is none. */
export async function commandLine(pid: number): Promise<string> {
  if (process.platform !== "linux") return ps(pid, "command=");
  return (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ");
}

function ps(pid: number, column: string): Promise<string> {
  return new Promise((resolve) => {
    execFile("ps", ["-p", String(pid), "-o", column], (error, stdout) => resolve(error ? "" : stdout.trim()));
  });
}
