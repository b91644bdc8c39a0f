/**
 * Tells one watcher of many jobs: a stream of states, not of events. A cursor for each job would outgrow a request's headers; one
 * watermark stands for all, and whoever comes back with it gets the present state of every job that changed since.
 *
 *   greeting ──present states, `synced`──► following ──age, closing──► over
 *
 * A client that reads slowly gets fewer states, each the newest: what waits is one record per job.
 */
import { changedSince, presentStates, type StatesFilter, type Watermark } from "../../jobs/feed-store.ts";
import type { Database } from "../../db.ts";
import type { JobRecord } from "../../jobs/job-queries-store.ts";
import type { StatesFeed, StatesWatcher } from "../../jobs/states-feed.ts";
import type { Log } from "../../log.ts";
import { BROKEN_OFF, encodeMember, encodeState, encodeSynced } from "./encode.ts";
import { joinFrames, type Frames } from "./frame.ts";
import type { EndOfStream, Wire, WireUser } from "./wire.ts";

export interface StatesTellerDeps {
  states: StatesFeed;
  database: Database;
  log: Log;
}

export interface StatesTeller extends WireUser {
  begin(wire: Wire): void;
}

/** Jobs that one stream begins with, that changed since a watermark that is still of use, and that wait for a client that does not read. */
const MAX_JOBS = 10_000;
/** Frames that are written as one. */
const MAX_JOINED_BYTES = 65_536;

/**
 * `cursor`: a watermark of an earlier stream, or empty. `membersOf`: id of a group on whose own stream this is: only the states of its
 * members are told, and no watermark, for the ids there are the group's.
 */
export function createStatesTeller(
  deps: StatesTellerDeps,
  options: { filter: StatesFilter; cursor: string; membersOf?: string },
): StatesTeller {
  const { states, database } = deps;
  let wire: Wire | null = null;
  /** What is to be written yet; null before the greeting. */
  let pending: Map<string, JobRecord> | null = null;
  /** What changed before the greeting was read. */
  const early = new Map<string, JobRecord>();
  /** Numbers of the last events of what the greeting told: a read that was under way then may bring older states. */
  const greeted = new Map<string, number>();
  let watermark: Watermark = "0";
  let reset = false;
  /** States written since the last `synced`, and whether one is due all the same. */
  let written = 0;
  let due = true;
  /** States came by name: what closes their batch repeats the old watermark, and the next full read brings the one that covers them. */
  let owes = false;
  let over = false;

  const watcher: StatesWatcher = {
    changed(jobs) {
      for (const job of jobs) put(job);
      if ((pending?.size ?? 0) > MAX_JOBS) return end("closing");
      owes = true;
      write();
    },
    complete(next) {
      if (!pending) return;
      greeted.clear();
      watermark = next;
      due ||= owes;
      owes = false;
      write();
    },
    closing: () => end("closing"),
  };

  async function greet(): Promise<void> {
    watermark = await states.watch(options.filter, watcher);
    const since = usable(options.cursor, watermark);
    reset = options.cursor !== "" && since === null;
    const db = database.em.fork();
    const { tenant_id, ...narrow } = options.filter;
    let rows = since
      ? await changedSince(db, { ...narrow, tenant_ids: [tenant_id], since, limit: MAX_JOBS + 1 })
      : null;
    if (rows && rows.length > MAX_JOBS) [rows, reset] = [null, true];
    rows ??= await presentStates(db, options.filter, MAX_JOBS);
    if (over) return;
    pending = new Map(rows.filter(({ id }) => id !== options.membersOf).map((job) => [job.id, job]));
    for (const { id, seq } of rows) greeted.set(id, seq);
    for (const job of early.values()) put(job);
    early.clear();
    write();
  }

  function put(job: JobRecord): void {
    if (job.id === options.membersOf) return;
    const into = pending ?? early;
    const known = Math.max(into.get(job.id)?.seq ?? 0, greeted.get(job.id) ?? 0);
    if (job.seq >= known) into.set(job.id, job);
  }

  function write(): void {
    while (!over && wire && pending && pending.size > 0 && !wire.full) {
      const frames: Frames[] = [];
      for (let size = 0; size < MAX_JOINED_BYTES;) {
        const [next] = pending.values();
        if (!next) break;
        pending.delete(next.id);
        const frame = options.membersOf ? encodeMember(next, "stream") : encodeState(next, "stream");
        frames.push(frame);
        size += frame.bytes.byteLength;
      }
      written += frames.length;
      due = true;
      wire.write(joinFrames(frames));
    }
    if (over || !wire || !pending || pending.size > 0 || !due || wire.full || options.membersOf) return;
    wire.write(encodeSynced(watermark, written, reset));
    [written, due, reset] = [0, false, false];
  }

  function end(why: EndOfStream): void {
    if (over) return;
    over = true;
    states.unwatch(watcher);
    wire?.end(why);
    wire = null;
  }

  return {
    begin(given) {
      wire = given;
      greet().catch((error: unknown) => {
        deps.log.warn({ error }, "a stream of states broke off; its client comes back");
        if (!over) wire?.write(BROKEN_OFF);
        end("failed");
      });
    },
    drained: write,
    expire: () => end("closing"),
    closed: () => end("left"),
  };
}

/** Null for what is no watermark of this database: of another one, or made up. */
function usable(cursor: string, now: Watermark): Watermark | null {
  return /^\d{1,18}$/.test(cursor) && BigInt(cursor) <= BigInt(now) && BigInt(cursor) > 0n ? cursor : null;
}
