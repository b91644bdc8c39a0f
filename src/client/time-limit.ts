/** How long something may take, and who may stop it earlier. */

export interface TimeLimit {
  /** Aborted by the parent, by the clock, or by `release`. */
  readonly signal: AbortSignal;
  /** From now on: within `ms`, or the signal is aborted with `error`. Replaces what was said before. */
  within(ms: number, error: Error): void;
  /** The clock stands still until the next `within`. */
  pause(): void;
  /** Aborts what still goes on, and leaves neither timer nor listener behind. */
  release(): void;
}

/** `AbortSignal.any` and `AbortSignal.timeout` cannot be taken back: they would outlive a watch that ended long ago. */
export function createTimeLimit(parent?: AbortSignal): TimeLimit {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const follow = (): void => controller.abort(parent?.reason);
  const pause = (): void => clearTimeout(timer);
  if (parent?.aborted) follow();
  else parent?.addEventListener("abort", follow, { once: true });
  return {
    signal: controller.signal,
    within(ms, error) {
      pause();
      timer = setTimeout(() => controller.abort(error), ms);
    },
    pause,
    release() {
      pause();
      parent?.removeEventListener("abort", follow);
      controller.abort();
    },
  };
}

/** Resolves after `ms`, or as soon as the signal is aborted or `other` resolves; then with its value. Leaves no timer behind. */
export function waitFor<T>(other: Promise<T> | null, ms: number, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve) => {
    const finish = (value?: T): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stopped);
      resolve(value);
    };
    const stopped = (): void => finish();
    const timer = setTimeout(finish, Math.max(0, ms));
    if (signal.aborted) return finish();
    signal.addEventListener("abort", stopped, { once: true });
    void other?.then(finish);
  });
}
