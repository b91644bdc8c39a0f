/** How long a server may take: pauses, the whole, and bytes that come one by one. */
import { AppError } from "../errors.ts";

/** Bytes a second that every line has: a server that sends less for long is not sending the file. */
const SLOWEST_BYTES = 1_024;

/** Counts only what is spent on waiting for the server, not what the reader takes between two chunks; but the whole by the clock. */
export function createPatience(
  url: string,
  { idleSeconds, totalSeconds }: { idleSeconds: number; totalSeconds: number },
): { wait<T>(next: Promise<T>, received: number): Promise<T> } {
  const begun = performance.now();
  let waited = 0;
  return {
    async wait(next, received) {
      const total = totalSeconds * 1_000 - (performance.now() - begun);
      const trickle = (idleSeconds + received / SLOWEST_BYTES) * 1_000 - waited;
      const idle = idleSeconds * 1_000;
      const left = Math.min(idle, trickle, total);
      const limit =
        left === total ? `${totalSeconds} s in all` : `${idleSeconds} s, or less than ${SLOWEST_BYTES} bytes a second`;
      const late = Promise.withResolvers<never>();
      const refuse = () => late.reject(new AppError("url_too_slow", { url, received, limit }));
      // What has come while this process was busy itself is taken first.
      const timer = setTimeout(() => setImmediate(refuse), Math.max(0, left));
      const since = performance.now();
      // It may still fail when nobody waits for it any more.
      next.catch(() => undefined);
      try {
        return await Promise.race([next, late.promise]);
      } finally {
        clearTimeout(timer);
        waited += performance.now() - since;
      }
    },
  };
}
