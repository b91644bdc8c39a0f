/** How much memory another process takes, natively too: a limit of V8's heap sees nothing of what a decoder or a typesetter allocates. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";

/** Between two looks. A decoder can take some hundred MB in that time. */
const LOOK_MS = 100;

/** Calls `exceeded` with the MB it has whenever it has more than `limit_mb`, until the answer is called. */
export function watchMemory(pid: number, limit_mb: number, exceeded: (used_mb: number) => void): () => void {
  const watch = setInterval(() => {
    void residentMb(pid).then((used) => {
      if (used > limit_mb) exceeded(used);
    });
  }, LOOK_MS);
  return () => clearInterval(watch);
}

/** MB of memory that a process has; 0 for one that is gone. */
async function residentMb(pid: number): Promise<number> {
  const kb =
    process.platform === "linux"
      ? /^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, "latin1").catch(() => ""))?.[1]
      : await new Promise<string>((resolve) => {
          execFile("ps", ["-o", "rss=", "-p", String(pid)], (_, stdout) => resolve(stdout.trim()));
        });
  return Math.round(Number(kb || 0) / 1_024);
}
