/** Limits of schedules. */

/** Whoever has written a row tells Temporal within this; then the reconciler does. */
export const TELL_SECONDS = 10;
/** Told in one round. */
export const SCHEDULE_BATCH = 50;
/** Of a schedule, in its answer. */
export const RECENT_RUNS = 10;
/** So long a job of `terminate_other` has to stop by itself. */
export const TERMINATE_SECONDS = 5;
/** The same of `cancel_other`, and of who cancels a run in Temporal. */
export const CANCEL_SECONDS = 60;
