/** Memory of another process, as Linux tells it. */
import { readFile, writeFile } from "node:fs/promises";

export interface ProcessMemory {
  /** Resident now, MB (10⁶ bytes). */
  rss: number;
  /** The most there was since the process began or `resetPeak`, MB. */
  peak: number;
}

/** Errors: no such process, or no Linux. */
export async function readMemory(pid: number): Promise<ProcessMemory> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const megabytes = (name: string): number => {
    const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
    if (kibibytes === undefined) throw new Error(`/proc/${pid}/status does not tell ${name}`);
    return Math.round((Number(kibibytes) * 1_024) / 1e5) / 10;
  };
  return { rss: megabytes("VmRSS"), peak: megabytes("VmHWM") };
}

/** From now on `peak` is of what comes. */
export async function resetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, "5");
}
