/** What watchers of a job were told, held against its ledger, in figures. */
import { isFinal, type JobStatus } from "../../contract/job-state.ts";
import { logEntryOf } from "../../src/jobs/job-moments.ts";
import type { JobEvent } from "../../src/jobs/ledger-store.ts";
import { isFinalEvent, type JobWatcher, type Seen } from "./job-watcher.ts";

export interface Tally {
  watchers: number;
  /** Events in the ledgers; and those of them that arrived, over all watchers. */
  written: number;
  delivered: number;
  missing: number;
  doubled: number;
  out_of_order: number;
  /** Events and snapshots that do not say what the ledger does. */
  wrong: number;
  /** Snapshots after the first event: for them a cursor was thrown away. */
  restarts: number;
  /** Final events of the last generations, over all watchers; and those of generations that were opened again. */
  finals: number;
  earlier_finals: number;
}

/** The ledger is the whole one of their job, which has ended. */
export function tallyOf(ledger: readonly JobEvent[], watchers: readonly JobWatcher[]): Tally {
  return sum(
    watchers.map(({ seen }) => tallyOne(ledger, seen)),
    { watchers: watchers.length, written: ledger.length },
  );
}

function tallyOne(ledger: readonly JobEvent[], seen: readonly Seen[]): Omit<Tally, "watchers" | "written"> {
  const begun = seen.findIndex(({ id }) => id !== null);
  const events = seen.filter(({ id }) => id !== null);
  const ids = events.map(({ id }) => id ?? 0);
  const [first = ledger.length + 1] = ids;
  const known = new Set(ids);
  const greeting = seen.slice(0, begun).findLast(({ snapshot }) => snapshot);
  const entries = ledger.slice(0, first - 1).flatMap((event) => logEntryOf(event)?.message ?? []);
  const finals = events.filter(isFinalEvent);
  const last = finals.filter(({ id }) => id === ledger.length);
  return {
    delivered: ids.length,
    missing: ledger.filter(({ seq }) => seq >= first && !known.has(seq)).length,
    doubled: ids.length - known.size,
    out_of_order: ids.filter((id, index) => index > 0 && id < (ids[index - 1] ?? 0)).length,
    wrong:
      (greeting && isSame(greeting.logs, entries) ? 0 : 1) +
      events.filter((event) => !saysTheSame(event, ledger[(event.id ?? 0) - 1])).length,
    restarts: seen.slice(begun).filter(({ snapshot }) => snapshot).length,
    finals: last.length,
    earlier_finals: finals.length - last.length,
  };
}

function saysTheSame(seen: Seen, event: JobEvent | undefined): boolean {
  if (!event) return false;
  const status = event.kind === "status" ? (event.data["status"] as JobStatus) : null;
  // A final event carries no log entry.
  if (isFinalEvent(seen)) return status !== null && isFinal(status) && status === seen.status;
  const entry = logEntryOf(event);
  return (status ?? seen.status) === seen.status && isSame(seen.logs, entry ? [entry.message] : []);
}

const isSame = (some: readonly string[], others: readonly string[]): boolean =>
  some.length === others.length && some.every((each, index) => each === others[index]);

const NONE: Tally = {
  ...{ watchers: 0, written: 0, delivered: 0, missing: 0, doubled: 0, out_of_order: 0, wrong: 0, restarts: 0 },
  ...{ finals: 0, earlier_finals: 0 },
};

/** Figure by figure. */
export function sum(tallies: readonly Partial<Tally>[], more: Partial<Tally> = {}): Tally {
  const total = { ...NONE };
  for (const tally of [...tallies, more])
    for (const [name, count] of Object.entries(tally)) total[name as keyof Tally] += count;
  return total;
}
