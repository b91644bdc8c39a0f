/**
 * Is Temporal there? About one question a second per process while anybody watches or polls a job, instead of one per job that is asked less often the
 * longer it is silent: who looks on is told within seconds, and within seconds that it is over.
 *
 *   there ──no answer, twice in a row──► away ──an answer──► there
 */
import { inTime } from "../in-time.ts";
import type { Executions } from "../temporal.ts";

export interface TemporalWatch {
  /** Since when it does not answer; null while it does, and while nobody watches or polls. */
  away(): Date | null;
  close(): void;
}

/** Together, with two questions in vain, less than 3 s: the client tries again by itself until the time for an answer is up. */
const EVERY_MS = 800;
const ANSWER_MS = 800;
/** One alone is a connection that was closed. */
const FAILURES = 2;

/** `wanted`: is anybody there to be told? `told`: that it went away, or is back. */
export function watchTemporal(options: {
  executions: Pick<Executions, "ping">;
  wanted(): boolean;
  told(): void;
}): TemporalWatch {
  let failures = 0;
  let since: Date | null = null;
  let closed = false;
  let timer = setTimeout(ask, EVERY_MS);

  function ask(): void {
    void look().finally(() => {
      // The second question in vain tells: it is not waited for.
      if (!closed) timer = setTimeout(ask, failures > 0 && since === null ? 0 : EVERY_MS);
    });
  }
  async function look(): Promise<void> {
    const began = new Date();
    const there =
      !options.wanted() ||
      (await inTime(options.executions.ping(), ANSWER_MS).then(
        () => true,
        () => false,
      ));
    if (closed) return;
    failures = there ? 0 : failures + 1;
    const was = since;
    since = failures >= FAILURES ? (since ?? began) : null;
    if ((was === null) !== (since === null)) options.told();
  }
  return {
    away: () => since,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
