/** CPU time of other processes. On a machine where all parts share two cores it says what a publish costs, whoever else is at work. */
import { readdir, readFile } from "node:fs/promises";

/** Linux counts in hundredths of a second, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100;

interface ProcessTimes {
  parent: number;
  /** Of the process and of those of its children that have ended. */
  seconds: number;
}

/** CPU seconds by name, each of a process and all that came from it; `client` is this process alone, which started all others. */
export async function cpuSeconds(pids: Record<string, number>): Promise<Record<string, number>> {
  const { user, system } = process.cpuUsage();
  const all = new Map<number, ProcessTimes>();
  for (const name of await readdir("/proc")) {
    const times = /^\d+$/.test(name) ? await readTimes(Number(name)) : null;
    if (times) all.set(Number(name), times);
  }
  const own = (pid: number): number => {
    let seconds = all.get(pid)?.seconds ?? 0;
    for (const [child, { parent }] of all) if (parent === pid) seconds += own(child);
    return seconds;
  };
  const others = Object.entries(pids).map(([name, pid]) => [name, own(pid)] as const);
  return { ...Object.fromEntries(others), client: (user + system) / 1e6 };
}

/** Null when it has ended meanwhile. */
async function readTimes(pid: number): Promise<ProcessTimes | null> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  // The second field is the command's name, which may hold blanks and brackets.
  const fields = text
    ?.slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  if (!fields) return null;
  const [parent = 0, times] = [fields[1], fields.slice(11, 15)];
  return { parent, seconds: times.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND };
}
