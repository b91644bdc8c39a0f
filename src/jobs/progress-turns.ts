/** Whose progress is looked at when: as much at a time as leaves room for events, those first that have waited longest. */

export interface ProgressTurns {
  /** Their progress has changed. */
  add(ids: readonly string[]): void;
  /** Does it wait for its turn? */
  has(id: string): boolean;
  close(): void;
}

/**
 * Frames of progress a second, about. Each is a write to a socket, 20 to 50 µs of a core: told as often as it is reported, the progress
 * of 1,000 jobs with 5 watchers each kept their events waiting for seconds. 80 watchers see it 50 times a second, 4,000 once.
 */
const PROGRESS_FRAMES = 4_000;
/** ms between two looks at progress, at least. */
const PACE_MS = 20;
/** Watchers that progress is shown to at a time, if one job has not more: 10 ms of work. */
export const SHOWN_AT_A_TIME = 200;

/** `watchersOf`: how many watch the job, 0 for none. `look`: it is this job's turn. */
export function createProgressTurns(options: {
  watchersOf(id: string): number;
  look(ids: readonly string[]): void;
}): ProgressTurns {
  const waiting = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  /** When the next ones have their turn, at the earliest. */
  let next = 0;

  function turn(): void {
    const ids: string[] = [];
    let shown = 0;
    for (const id of waiting) {
      if (shown >= SHOWN_AT_A_TIME) break;
      waiting.delete(id);
      ids.push(id);
      shown += options.watchersOf(id);
    }
    options.look(ids);
    const pause = Math.max(PACE_MS, (shown / PROGRESS_FRAMES) * 1_000);
    next = performance.now() + pause;
    timer = waiting.size > 0 ? setTimeout(turn, pause) : undefined;
  }

  return {
    add(ids) {
      for (const id of ids) if (options.watchersOf(id) > 0) waiting.add(id);
      if (waiting.size > 0) timer ??= setTimeout(turn, Math.max(0, next - performance.now()));
    },
    has: (id) => waiting.has(id),
    close() {
      clearTimeout(timer);
      waiting.clear();
    },
  };
}
