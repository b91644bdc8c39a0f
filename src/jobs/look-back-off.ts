/**
 * When the reconciler looks at a job again. Every look is a call to Temporal: looking at 10,000 jobs that wait for a worker each
 * second would be 10,000 calls a second.
 *
 *   new, or changed since ──looked, nothing to do──► waits 1 s ──► 2 s ──► … ──► at most `maxMs`
 *
 * What visibility shows of a job does not wait behind looks that were taken for no reason: each kind of look has a back-off of its own.
 *
 * Kept in memory: a new leader looks at everything once.
 */

/** The first wait, in ms. */
const FIRST_MS = 1_000;
/** Longer than the walk over 1,000 open jobs takes. */
const FORGOTTEN_MS = 120_000;
/** Jobs that are remembered, about 15 MB of them; the ones looked at longest ago are forgotten first, and so looked at again. */
const MAX_REMEMBERED = 50_000;

export interface LookBackOff {
  /** `mark` tells one state of the job from the next: a change ends the wait. */
  isDue(id: string, mark: string): boolean;
  /** Looked at in vain: waits twice as long as last time. True if it is the first time for this mark. */
  wait(id: string, mark: string, maxMs: number): boolean;
  /** Something was done: the next round looks at what came of it. */
  forget(id: string): void;
  /** Forgets every job that `isDue` was not asked for in the last two minutes: it is lively, or has ended. */
  endRound(): void;
  clear(): void;
}

/** `now`: ms of a clock that never jumps. `slackMs`: due this much early, so that a round that comes a moment too soon counts. */
export function createLookBackOff(options: { now: () => number; slackMs: number }): LookBackOff {
  const waits = new Map<string, { mark: string; waitMs: number; until: number; asked: number }>();
  return {
    isDue(id, mark) {
      const known = waits.get(id);
      if (!known) return true;
      known.asked = options.now();
      return known.mark !== mark || known.until <= options.now() + options.slackMs;
    },
    wait(id, mark, maxMs) {
      const known = waits.get(id);
      const again = known?.mark === mark;
      const waitMs = Math.min(maxMs, again ? known.waitMs * 2 : FIRST_MS);
      // Taken out first, so that the map's order is that of the looks.
      waits.delete(id);
      waits.set(id, { mark, waitMs, until: options.now() + waitMs, asked: options.now() });
      const [oldest] = waits.keys();
      if (waits.size > MAX_REMEMBERED && oldest !== undefined) waits.delete(oldest);
      return !again;
    },
    forget: (id) => void waits.delete(id),
    endRound() {
      for (const [id, known] of waits) if (known.asked < options.now() - FORGOTTEN_MS) waits.delete(id);
    },
    clear: () => waits.clear(),
  };
}
