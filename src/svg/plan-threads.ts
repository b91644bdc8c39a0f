/** Plans are read in threads of their own: 20 MB take a second or two, a hostile one as long as it is let. */
import { AppError, reasonOf } from "../errors.ts";
import { createThreads, ThreadsUnavailable } from "../threads.ts";
import type { PlanAnswer, PlanTask, ReadPlan } from "./plan-thread.ts";

/** A plan of 128 MiB takes about ten seconds. */
const LIMIT_MS = 120_000;
/** A plan of 20 MB takes 200; what needs more fails alone. */
const MAX_HEAP_MB = 2_048;
/** Most of what reading makes is thrown away at once: with V8's own 48 MB half of the time went into moving it about. */
const YOUNG_HEAP_MB = 256;
const MAX_THREADS = 2;
const IDLE_MS = 5_000;
const LOOK_MS = 200;

export interface PlanThreads {
  /**
   * Reads the plan of one open file into another. An abort ends the thread in the middle of its work. Errors: svg_invalid, svg_too_complex
   * (also for one that takes too long or too much memory), unavailable, the signal's reason.
   */
  read(
    task: Omit<PlanTask, "counters">,
    how: { signal: AbortSignal; told: (progress: { bytes: number; overlays: number }) => void },
  ): Promise<ReadPlan>;
}

/** `limitMs`: of one plan. `maxHeapMb`: of each thread. */
export function createPlanThreads({ limitMs = LIMIT_MS, maxHeapMb = MAX_HEAP_MB } = {}): PlanThreads {
  const threads = createThreads({
    ...{ program: new URL("plan-thread.ts", import.meta.url), maxThreads: MAX_THREADS, idleMs: IDLE_MS },
    ...{ maxHeapMb, youngHeapMb: YOUNG_HEAP_MB },
  });
  return {
    async read(task, { signal, told }) {
      const counters = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
      const tooLong = new AbortController();
      let worked = 0;
      const clock = setInterval(() => {
        // From its first byte on: it may have waited for a thread.
        const bytes = Atomics.load(counters, 0) * 1_024;
        if (bytes > 0) worked += LOOK_MS;
        told({ bytes, overlays: Atomics.load(counters, 1) });
        if (worked > limitMs) tooLong.abort();
      }, LOOK_MS);
      try {
        const answer = (await threads.run(
          { ...task, counters },
          { signal: AbortSignal.any([signal, tooLong.signal]) },
        )) as PlanAnswer;
        if (!("fault" in answer)) return answer;
        const { code, message, place } = answer.fault;
        const at = place ? `, at line ${place.line}, column ${place.column}` : "";
        throw new AppError(code, { reason: message, at, ...place });
      } catch (error) {
        signal.throwIfAborted();
        if (tooLong.signal.aborted) throw tooComplex(`it takes longer than ${limitMs / 1_000} s`, error);
        if ((error as { code?: unknown }).code === "ERR_WORKER_OUT_OF_MEMORY")
          throw tooComplex(`it takes more than ${maxHeapMb} MB of memory`, error);
        if (!(error instanceof ThreadsUnavailable)) throw error;
        throw new AppError(
          "unavailable",
          { service: "A thread that reads plans", reason: reasonOf(error) },
          { cause: error },
        );
      } finally {
        clearInterval(clock);
      }
    },
  };
}

const tooComplex = (reason: string, cause: unknown): AppError =>
  new AppError("svg_too_complex", { reason, at: "" }, { cause });
