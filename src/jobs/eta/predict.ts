/** When a running job will be done: what its type's past runs say, corrected by how far it has come. */
import { isLike, valueAt, type Model } from "./learn.ts";

/** ISO 8601. Of runs like it eight in ten end between `low` and `high`. */
export interface Eta {
  at: string;
  low: string;
  high: string;
}

export interface RunningJob {
  size: number | null;
  /** Name of the step that runs. */
  step: string;
  /** Seconds since it began. */
  elapsed: number;
  /** How much of it is done, 0 to 1, by its own word. */
  fraction: number;
}

/** Before it, what a step says of itself is noise. */
const TELLING = 0.05;

/** A step that takes so many times longer than any was expected to, and says nothing, behaves like none. */
const LOST = 3;
/** Seconds for which nobody calls it lost: the pauses of a busy machine. */
const LOST_AFTER = 5;

/** `now`: ms since the epoch. Null: nobody can say. */
export function predictEnd(model: Model, job: RunningJob, now: number): Eta | null {
  const at = model.steps.findIndex(({ name }) => name === job.step);
  const pace = model.steps[at];
  if (!pace || !isLike(model, job.size)) return null;
  const size = job.size ?? 0;
  const { elapsed, fraction } = job;
  const expected = valueAt(pace, size);
  const told = fraction >= TELLING ? elapsed / fraction : null;
  if (told === null && elapsed > LOST_AFTER && elapsed > LOST * expected * pace.rest.high) return null;
  const later = model.steps.slice(at + 1).reduce((sum, step) => sum + valueAt(step, size), 0);
  const end = (factor: number): string => {
    // The further it has come, the more its own pace counts.
    const usual = expected * factor;
    const whole = told === null ? usual : (1 - fraction) * usual + fraction * told;
    return new Date(now + (Math.max(0, whole - elapsed) + later * factor) * 1_000).toISOString();
  };
  // A range that leaves out what it is about would be odd: the median is in it.
  const { low, high } = pace.rest;
  return { at: end(1), low: end(Math.min(1, low)), high: end(Math.max(1, high)) };
}
