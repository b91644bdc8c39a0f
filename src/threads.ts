/** Threads for work that would hold up heartbeats and requests. None runs before the first call; idle ones keep no process alive. */
import { Piscina } from "piscina";
import { reasonOf } from "./errors.ts";

/** No thread could be started: too little memory, or too many processes. May pass. */
export class ThreadsUnavailable extends Error {
  override name = "ThreadsUnavailable";
}

export interface Threads {
  /** Calls the program's export `name` (default: its default one) in a thread; an abort ends that thread. Error: ThreadsUnavailable. */
  run(task: object, options?: { name?: string; signal?: AbortSignal }): Promise<unknown>;
}

interface Pool {
  threads: Piscina;
  /** Why no thread of it could be started: it is given up then. */
  failure: unknown;
}

/** `maxHeapMb`: of each thread; default: V8's own bound. `youngHeapMb`: the part of it for what is thrown away soon; default: V8's. */
export function createThreads(options: {
  program: URL;
  maxThreads: number;
  idleMs: number;
  maxHeapMb?: number;
  youngHeapMb?: number;
}): Threads {
  let started: Pool | undefined;

  function start(): Pool {
    const threads = new Piscina({
      filename: options.program.href,
      minThreads: 0,
      maxThreads: options.maxThreads,
      idleTimeout: options.idleMs,
      resourceLimits: {
        ...(options.maxHeapMb === undefined ? {} : { maxOldGenerationSizeMb: options.maxHeapMb }),
        ...(options.youngHeapMb === undefined ? {} : { maxYoungGenerationSizeMb: options.youngHeapMb }),
      },
    });
    const pool: Pool = { threads, failure: null };
    // A thread that cannot start is nobody's call that could fail: unheard it would end the process, and what waits for a thread
    // would wait for ever. So all that waits fails, and the next call begins afresh.
    threads.on("error", (error: unknown) => {
      // Its last words: it was ended while it ran out of memory, so its call has failed already, and no other one is the worse for it.
      if ((error as { code?: unknown }).code === "ERR_WORKER_OUT_OF_MEMORY") return;
      pool.failure ??= error;
      if (started === pool) started = undefined;
      void threads.destroy();
    });
    return pool;
  }

  return {
    async run(task, how = {}) {
      const pool = (started ??= start());
      try {
        return await pool.threads.run(task, how);
      } catch (error) {
        if (pool.failure === null) throw error;
        throw new ThreadsUnavailable(reasonOf(pool.failure), { cause: pool.failure });
      }
    },
  };
}
