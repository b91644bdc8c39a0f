/**
 * Room for the bodies that are held in memory, of all requests together. A request waits for room before its body is read, so its
 * sender is held back as by a slow line; one that waits for too long is told to come again.
 */
import { AppError } from "../errors.ts";

export interface BodyRoom {
  /**
   * Resolves when there is room for `bytes`, in the order of asking, with what gives it back. What is larger than the whole room waits
   * for all of it. Errors: `too_many_bodies`; the signal's reason.
   */
  take(bytes: number, signal: AbortSignal): Promise<() => void>;
}

/** As small as this they are let through: a cancel must not wait for uploads. */
const SMALL_BYTES = 65_536;

/** `seconds`: the longest wait. */
export function createBodyRoom({ bytes: all, seconds }: { bytes: number; seconds: number }): BodyRoom {
  let free = all;
  let waiting: { bytes: number; enter: () => void }[] = [];
  const admit = (): void => {
    for (let [first] = waiting; first && first.bytes <= free; [first] = waiting) {
      waiting.shift();
      free -= first.bytes;
      first.enter();
    }
  };
  return {
    async take(wanted, signal) {
      if (wanted <= SMALL_BYTES) return () => undefined;
      const bytes = Math.min(wanted, all);
      const { promise: entered, resolve: enter, reject } = Promise.withResolvers<void>();
      const place = { bytes, enter };
      waiting.push(place);
      admit();
      // Does nothing once it has entered: who has room gives it back.
      const leave = (reason: unknown): void => {
        if (!waiting.includes(place)) return;
        waiting = waiting.filter((each) => each !== place);
        reject(reason);
        // Those behind it may be smaller.
        admit();
      };
      const timer = setTimeout(() => leave(new AppError("too_many_bodies", { limit: all, seconds })), seconds * 1_000);
      const abandon = (): void => leave(signal.reason);
      signal.addEventListener("abort", abandon);
      if (signal.aborted) abandon();
      try {
        await entered;
      } finally {
        clearTimeout(timer);
        signal.removeEventListener("abort", abandon);
      }
      return () => {
        free += bytes;
        admit();
      };
    },
  };
}
