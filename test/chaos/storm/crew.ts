/** Places that processes are kept in: whoever ends is followed by another, as by an orchestrator. */
import { setTimeout as delay } from "node:timers/promises";

export interface Place<Process> {
  /** Null while the next one is starting. */
  current(): Process | null;
  /** Resolves when a process is in its place. */
  filled(): Promise<Process>;
  /** How often one has followed another, and how many of them ended before they had started. */
  counts(): { followed: number; stillborn: number };
  /** Ends it for good. */
  stop(): Promise<void>;
}

const PAUSE_MS = 300;

/** `start` is tried again whatever it fails with: what it needs may be away. `end`: kills. */
export function keepPlace<Process extends { ended: Promise<unknown> }>(
  start: () => Promise<Process>,
  end: (process: Process) => Promise<unknown>,
): Place<Process> {
  const over = new AbortController();
  let current: Process | null = null;
  let waiting = Promise.withResolvers<Process>();
  let [starts, stillborn] = [0, 0];

  async function keep(): Promise<void> {
    while (!over.signal.aborted) {
      const process = await start().catch(() => null);
      if (!process) {
        stillborn += 1;
        await delay(PAUSE_MS);
        continue;
      }
      starts += 1;
      if (over.signal.aborted) await end(process);
      current = process;
      waiting.resolve(process);
      await process.ended;
      current = null;
      waiting = Promise.withResolvers();
    }
  }
  const kept = keep();
  return {
    current: () => current,
    filled: () => waiting.promise,
    counts: () => ({ followed: Math.max(0, starts - 1), stillborn }),
    async stop() {
      over.abort();
      if (current) await end(current);
      await kept;
    },
  };
}
