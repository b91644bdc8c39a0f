/** JTS in threads of their own: half a million vertices take it seconds, in which no heartbeat would be sent and no request answered. */
import { availableParallelism } from "node:os";
import { AppError, reasonOf } from "../errors.ts";
import { createThreads, ThreadsUnavailable } from "../threads.ts";
import type { GeometryTask } from "./geometry-thread.ts";

export interface GeometryThreads {
  /**
   * The problems of `geometries` (JSON texts), null for what is valid, undefined for what takes too long or too much memory to tell.
   * The answer ends behind the third of those, whatever is left: hundreds of them would hold a thread for hours. An abort ends the thread in the middle of its work. Errors: the signal's reason; `unavailable` when no thread can be started.
   */
  problems(geometries: readonly string[], signal?: AbortSignal): Promise<(string | null | undefined)[]>;
  /** How many calls are worked on at once. */
  readonly atATime: number;
  /** For one geometry. */
  readonly limitMs: number;
}

/**
 * A valid ring of 500,000 vertices takes 2 to 5 s. Zigzags cost the square of their vertices, 10,000 of them 3 s, so no time is
 * enough for all.
 */
const LIMIT_MS = 60_000;
const MAX_HEAP_MB = 1_024;
/** Of one call. */
const MAX_UNTOLD = 3;
/** A thread takes 150 ms to start and 25 MB to keep. */
const IDLE_MS = 5_000;
const LOOK_MS = 100;

/** `program`: what runs in the threads. `maxHeapMb`: of each. */
export function createGeometryThreads({
  limitMs = LIMIT_MS,
  maxHeapMb = MAX_HEAP_MB,
  program = new URL("geometry-thread.ts", import.meta.url),
} = {}): GeometryThreads {
  const atATime = Math.min(4, Math.max(1, availableParallelism()));
  const threads = createThreads({ program, maxThreads: atATime, idleMs: IDLE_MS, maxHeapMb });

  /** Null when it took too long, or more memory than there is. */
  async function run(geometries: readonly string[], signal?: AbortSignal): Promise<(string | null)[] | null> {
    const begun = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const tooLong = new AbortController();
    let worked = 0;
    const clock = setInterval(() => {
      worked += Atomics.load(begun, 0) * LOOK_MS;
      if (worked > limitMs) tooLong.abort();
    }, LOOK_MS);
    try {
      const task: GeometryTask = { geometries, begun };
      const ends = signal ? AbortSignal.any([signal, tooLong.signal]) : tooLong.signal;
      return (await threads.run(task, { signal: ends })) as (string | null)[];
    } catch (error) {
      signal?.throwIfAborted();
      if (tooLong.signal.aborted || (error as { code?: unknown }).code === "ERR_WORKER_OUT_OF_MEMORY") return null;
      if (!(error instanceof ThreadsUnavailable)) throw error;
      const facts = { service: "A thread that checks geometries", reason: reasonOf(error) };
      throw new AppError("unavailable", facts, { cause: error });
    } finally {
      clearInterval(clock);
    }
  }

  return {
    atATime,
    limitMs,
    async problems(geometries, signal) {
      const together = await run(geometries, signal);
      if (together) return together;
      if (geometries.length === 1) return [undefined];
      // Which of them it was is told by asking for each alone.
      const alone: (string | null | undefined)[] = [];
      let untold = 0;
      for (const each of geometries) {
        const [told] = await this.problems([each], signal);
        alone.push(told);
        if (told === undefined && ++untold === MAX_UNTOLD) break;
      }
      return alone;
    },
  };
}
