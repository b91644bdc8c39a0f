/**
 * What Temporal's visibility says that the rows do not: the reconciler's eyes. Two listings, each a thousand runs to a page.
 *
 *   changed   what has started or closed since the watermark, every round: a terminate, a timeout, a reset is seen in a second
 *   open      all open runs, page by page: what the first has missed, and what is not there at all (deleted, never started). When their
 *             number, which is counted every round, is not what the first listing makes of it; while more are misplaced than were looked
 *             at; and each minute
 *
 * The watermark is a moment by Temporal's clock, the newest that was listed: gateways' clocks differ. Visibility lags behind, so each round
 * lists some seconds again, and remembers what it has held against the rows. Once nothing has come for as long, it lists only what is newer:
 * a thousand jobs that were started together would be listed in each round for ever.
 */
import type { Database } from "../db.ts";
import type { Executions, ListedRun, ListPage } from "../temporal.ts";
import { differingJobs, misplacedJobs, pausedOtherwise, youngJobs, type QuietJob } from "./reconcile-store.ts";

export interface VisibilityWatch {
  /** Where the last leader was; null when there was none. */
  begin(watermark: number | null): void;
  /** ms since the epoch, by Temporal's clock; null before anything was listed. */
  watermark(): number | null;
  /** Jobs that differ from what has started or closed since. `goOn`: asked between two pages; false ends it, what is left comes again. */
  changed(goOn: () => Promise<boolean>): Promise<QuietJob[]>;
  /** The next pages of the open runs, if there is a reason; after the last one the jobs that are not where they should be, otherwise none. */
  misplaced(quietMs: number, goOn: () => Promise<boolean>): Promise<QuietJob[]>;
  /** Lively jobs whose runs were never listed: one that is deleted within a second of its start leaves no other trace. */
  unlisted(): Promise<QuietJob[]>;
  /** Visibility has not answered: whatever has happened meanwhile, the open runs are listed when it does. */
  lost(): void;
  /** Jobs whose activity is paused and that do not say so, and the reverse. */
  paused(): Promise<QuietJob[]>;
}

/** Visibility in a database is milliseconds late, Elasticsearch a second or two when it is well. */
const OVERLAP_MS = 10_000;
/** A row that is this much older than a listing should be in it; if visibility is later still, that costs a look. */
const LATE_MS = 500;
/** Older than a round and some: what it names should have been listed. */
const YOUNG_MS = 1_500;
/** Where nobody was before, this far back by our own clock: what is open and older is in the other listing. */
const FIRST_MS = 3_600_000;
/** Runs in one of Temporal's pages. */
const PAGE = 1_000;
/** Runs per statement. */
const BATCH = 5_000;
/** Of open runs in a round: 10,000 take two. A page costs the dev server 0.2 s of CPU, a tenth of as many describes. */
const PAGES = 5;
/** At least between two listings of the open runs, for each page of the last one: where much happens, their number is never what it should be. */
const PAUSE_MS = 400;
/** At most. */
const EVERY_MS = 60_000;
/** Jobs that are looked at after one listing; where there are more, the next is not a minute away. */
const MISPLACED = 500;

interface Listing {
  began: number;
  after: ListPage | null;
  runs: ListedRun[];
}

/** `now`: ms of a clock that never jumps. */
export function createVisibilityWatch(options: {
  database: Database;
  executions: Pick<Executions, "listChanged" | "countOpen" | "listOpen" | "listPaused">;
  now(): number;
}): VisibilityWatch {
  const { database, executions, now } = options;
  let watermark: number | null = null;
  /** Held against the rows: a run and what it was, with when that happened. */
  const known = new Map<string, number>();
  let listing: Listing | null = null;
  let ended = -Infinity;
  /** When a run was listed last that had not been before. */
  let noticed = now();
  let pages = 0;
  /** After the last listing more were misplaced than it answered, or than could be told yet. */
  let more = false;
  /** The runs that should be open, about 100 bytes each. A number alone would be wrong for each run of which only the end is ever listed. */
  const open = new Set<string>();

  function lost(): void {
    listing = null;
    ended = -Infinity;
  }
  async function isListingDue(): Promise<boolean> {
    if (listing) return true;
    const age = now() - ended;
    if (age < PAUSE_MS * pages) return false;
    return more || age > EVERY_MS || (await executions.countOpen()) !== open.size;
  }

  return {
    begin(from) {
      watermark = from;
      noticed = now();
      known.clear();
      lost();
    },
    lost,
    watermark: () => watermark,
    async changed(goOn) {
      const fresh: ListedRun[] = [];
      const isSettled = watermark !== null && now() - noticed > OVERLAP_MS;
      const since = isSettled ? (watermark ?? 0) + 1 : (watermark ?? Date.now() - FIRST_MS) - OVERLAP_MS;
      for await (const runs of executions.listChanged(since)) {
        fresh.push(...runs.filter((run) => !known.has(keyOf(run))));
        if (!(await goOn())) return [];
      }
      const differing: QuietJob[] = [];
      for (let at = 0; at < fresh.length; at += BATCH) {
        differing.push(...(await differingJobs(database.em.fork(), fresh.slice(at, at + BATCH))));
      }
      if (fresh.length > 0) noticed = now();
      for (const run of fresh) {
        known.set(keyOf(run), momentOf(run));
        watermark = Math.max(watermark ?? 0, momentOf(run));
        if (run.open) open.add(nameOf(run));
        else open.delete(nameOf(run));
      }
      for (const [key, at] of known) if (at < (watermark ?? 0) - 2 * OVERLAP_MS) known.delete(key);
      return differing;
    },
    async misplaced(quietMs, goOn) {
      if (!(await isListingDue())) return [];
      if (!listing) open.clear();
      listing ??= { began: now(), after: null, runs: [] };
      const current = listing;
      for (let page = 0; page < PAGES; page++) {
        if (!(await goOn())) return [];
        const { runs, next } = await executions.listOpen(current.after);
        for (const run of runs) {
          current.runs.push(run);
          open.add(nameOf(run));
        }
        current.after = next;
        if (!next) break;
      }
      if (current.after) return [];
      listing = null;
      ended = now();
      pages = Math.ceil(current.runs.length / PAGE) || 1;
      const ageMs = ended - current.began + Math.min(quietMs, LATE_MS);
      const found = await misplacedJobs(database.em.fork(), current.runs, { ageMs, limit: MISPLACED });
      // One that was just written to may only have begun after the listing: the next one tells.
      more = found.length === MISPLACED || found.some(({ ripe }) => !ripe);
      return found.filter(({ ripe }) => ripe);
    },
    async unlisted() {
      if (listing || ended === -Infinity) return [];
      return (await youngJobs(database.em.fork(), YOUNG_MS)).filter(({ run }) => !open.has(run));
    },
    paused: async () => pausedOtherwise(database.em.fork(), await executions.listPaused()),
  };
}

const nameOf = ({ workflow_id, run_id }: ListedRun): string => `${workflow_id}/${run_id}`;
const keyOf = ({ run_id, open }: ListedRun): string => `${run_id}/${open}`;
const momentOf = ({ started_at, closed_at }: ListedRun): number => closed_at ?? started_at;
