/** Workers that die at chosen points of their work, and are started again each time, as an orchestrator does. */
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildBundle } from "../../src/worker/build-bundle.ts";
import type { Publishing } from "./publishing.ts";
import { startWorkerProcess, type WorkerProcess } from "./worker-process.ts";

export interface MortalWorkers {
  /** The worker dies at that point of that activity of the job, once; without one its points are only counted. */
  doom(job: string, at?: { activity: string; point: number }): Promise<void>;
  hasDied(job: string): boolean;
  /** How many points the last attempt of an activity of a job that was doomed has passed. */
  points(job: string, activity: string): Promise<number>;
  stop(): Promise<void>;
}

const ENTRY = fileURLToPath(new URL("mortal-worker.ts", import.meta.url));
/** Longer than any activity of these tests: what the mirror writes is no part of their work. */
const MIRROR_TICK_MS = 10_000;

/** `processes` of them, one activity at a time each: so a death costs nobody else an attempt, and every doom is met. */
export async function startMortalWorkers(room: Publishing, processes: number): Promise<MortalWorkers> {
  const folder = await mkdtemp(join(tmpdir(), "platen-dooms-"));
  // A second of each start otherwise.
  await writeFile(join(folder, "bundle.json"), JSON.stringify(await buildBundle()));
  const running = new Set<WorkerProcess>();
  let stopped = false;
  async function keep(): Promise<void> {
    while (!stopped) {
      const options = { concurrency: 1, entry: ENTRY, args: [folder], mirrorTickMs: MIRROR_TICK_MS };
      // One that meets a doom before it was seen to poll has died like any other.
      const worker = await startWorkerProcess(room, options).catch((error: unknown) => {
        if (!String(error).includes("the worker ended")) throw error;
        return null;
      });
      if (!worker) continue;
      running.add(worker);
      if (stopped) await worker.kill();
      const code = await worker.ended;
      running.delete(worker);
      if (code !== null && !stopped) throw new Error(`a worker ended by itself:\n${worker.log()}`);
    }
  }
  const kept = Promise.all(Array.from({ length: processes }, keep));
  kept.catch(() => undefined);
  return {
    doom: (job, at = { activity: "", point: 0 }) => writeFile(join(folder, `${job}.json`), JSON.stringify(at)),
    hasDied: (job) => existsSync(join(folder, `${job}.died`)),
    points: async (job, activity) => Number(await readFile(join(folder, `${job}.${activity}`), "utf8")),
    async stop() {
      stopped = true;
      await Promise.all([...running].map((worker) => worker.kill()));
      await kept;
      await rm(folder, { recursive: true });
    },
  };
}
