/**
 * Tells one watcher of one job.
 *
 *   greeting ──snapshot written, or a cursor to go on from──► following ──final event, age, closing──► over
 *
 * It holds a position in the ledger, and nothing else: while the client reads slowly it writes nothing, and then what is newest,
 * so a slow client costs no memory. What is between its position and the feed's tail is read from the ledger. That is also the
 * seam of a resume: it watches first, then reads from its cursor on, and can neither miss nor repeat an event.
 *
 * A class, for the reason that `wire.ts` gives.
 */
import { isFinal } from "../../../contract/job-state.ts";
import { isLastEvent, type JobMoment } from "../../jobs/job-moments.ts";
import type { JobRecord } from "../../jobs/job-queries-store.ts";
import type { ProgressFeed, WatchedJob, Watcher } from "../../jobs/progress-feed.ts";
import type { ShownJob } from "../../jobs/second-opinion.ts";
import * as encode from "./encode.ts";
import { joinFrames, type Frames } from "./frame.ts";
import type { Log } from "../../log.ts";
import type { LedgerReader } from "./ledger-reader.ts";
import type { Beginning } from "./resume.ts";
import type { EndOfStream, Wire, WireUser } from "./wire.ts";

/** What all tellers of a gateway share. */
export interface TellerDeps {
  feed: ProgressFeed;
  ledger: LedgerReader;
  log: Log;
}

export interface TellerOptions {
  beginning: Exclude<Beginning, { kind: "nothing" }>;
  words: encode.Vocabulary;
}

/** Frames that are written as one: more would make a slow client hold too much. */
const MAX_JOINED_BYTES = 65_536;

export class JobTeller implements Watcher, WireUser {
  readonly #deps: TellerDeps;
  readonly #words: encode.Vocabulary;
  #watched: WatchedJob | null = null;
  #wire: Wire | null = null;
  /** Everything up to here has been written; null before the greeting. */
  #position: number | null;
  /** The cursor named nothing in the ledger. */
  #reset: boolean;
  /** What the feed shows is too old as long as it has fewer events than this. */
  #least = 0;
  /** The last of what was read from the ledger, while there is more of it to read. */
  #before: JobMoment | null = null;
  /** The state that the client saw last. */
  #shown: ShownJob | null = null;
  /** The ledger is being read. */
  #reading = false;
  #over = false;

  constructor(deps: TellerDeps, { beginning, words }: TellerOptions) {
    [this.#deps, this.#words] = [deps, words];
    this.#position = beginning.kind === "resume" ? beginning.after : null;
    this.#reset = beginning.kind === "fresh" && beginning.reset;
  }

  /** `job`: as it was just read, by a caller who may see it. */
  begin(wire: Wire, job: JobRecord): void {
    this.#wire = wire;
    this.#least = job.seq;
    if (this.#deps.feed.closed) return this.#end("closing");
    this.#watched = this.#deps.feed.watch(job, this);
    this.changed();
  }

  changed(): void {
    const [watched, wire] = [this.#watched, this.#wire];
    if (this.#over || this.#reading || !watched || !wire || wire.full) return;
    const { job, tail } = watched;
    // The record by which it came is newer: the client may know more than this, or would be told an end that is over.
    if (job.seq < this.#least) return;
    if (this.#position === null) return this.#read(() => this.#greet());
    if (job.seq === this.#position) {
      if (this.#shown !== job) this.#writeProgress(job);
      return;
    }
    const [oldest] = tail;
    if (!oldest || oldest.event.seq > this.#position + 1) return this.#read(() => this.#replay(job));
    const { frames, size } = newsSince(watched, this.#position, this.#words);
    if (size > MAX_JOINED_BYTES) return this.#writeMoments(tail, job);
    [this.#position, this.#shown] = [job.seq, job];
    wire.write(frames);
    if (isFinal(job.status)) this.#end("ended");
  }

  drained(): void {
    this.changed();
  }

  closing(): void {
    this.#end("closing");
  }

  expire(): void {
    this.#end("closing");
  }

  closed(): void {
    this.#end("left");
  }

  /** One piece of work at a time that waits for PostgreSQL; afterwards it looks at what has changed meanwhile. */
  #read(work: () => Promise<void>): void {
    this.#reading = true;
    void work()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#reading = false;
        this.changed();
      });
  }

  async #greet(): Promise<void> {
    const { job } = this.#watched!;
    const logs = await this.#deps.ledger.logs(job);
    // Others may have filled the socket meanwhile: `drained` greets again.
    if (this.#over || this.#wire!.full) return;
    const snapshot = encode.encodeSnapshot(job, logs, this.#words, this.#reset);
    [this.#position, this.#shown] = [job.seq, job];
    this.#wire!.write(isFinal(job.status) ? joinFrames([snapshot, encode.encodeFinal(job, this.#words)]) : snapshot);
    if (isFinal(job.status)) this.#end("ended");
  }

  /** Up to the record's `seq` and not beyond: whether an event is the last one is known only together with it. */
  async #replay(job: ShownJob): Promise<void> {
    const after = this.#position!;
    const moments = await this.#deps.ledger.after(job, after, this.#before);
    if (this.#over) return;
    const last = moments.at(-1);
    this.#before = last && last.event.seq < job.seq ? last : null;
    if (moments[0]?.event.seq === after + 1) return this.#writeMoments(moments, job);
    // What should come next was cleaned up: nothing to go on from.
    [this.#position, this.#reset] = [null, true];
  }

  /** One by one, as long as the client reads. */
  #writeMoments(moments: readonly JobMoment[], job: ShownJob): void {
    for (const moment of moments) {
      if (this.#over || this.#wire!.full) return;
      if (moment.event.seq !== this.#position! + 1) continue;
      this.#position = moment.event.seq;
      for (const frame of framesOf(moment, job, this.#words)) this.#wire!.write(frame);
      if (isLastEvent(moment, job)) return this.#end("ended");
    }
    if (this.#position === job.seq && !this.#wire!.full) this.#writeProgress(job);
  }

  #writeProgress(job: ShownJob): void {
    this.#shown = job;
    this.#wire!.write(encode.encodeProgress(job, this.#words));
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#deps.log.warn({ error }, "a stream broke off; its client comes back");
    if (this.#words === "events") this.#wire!.write(encode.BROKEN_OFF);
    this.#end("failed");
  }

  #end(why: EndOfStream): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#watched) this.#deps.feed.unwatch(this.#watched, this);
    this.#wire?.end(why);
    [this.#watched, this.#wire] = [null, null];
  }
}

/** The last event is told as two: the last state, and then the final event, which alone carries its number. */
function framesOf(moment: JobMoment, job: ShownJob, words: encode.Vocabulary): Frames[] {
  if (!isLastEvent(moment, job)) return [encode.encodeMoment(moment, words)];
  return [encode.encodeProgress(job, words), encode.encodeFinal(job, words)];
}

/** What watchers are told who stand at the same place, who are nearly all. */
interface News {
  after: number;
  words: encode.Vocabulary;
  frames: Frames;
  size: number;
}

/** With the state that is news: see `oncePer` of encode.ts. */
const NEWS = Symbol("news");

function newsSince({ job, tail }: WatchedJob, after: number, words: encode.Vocabulary): News {
  const on = job as ShownJob & { [NEWS]?: News[] };
  if (!on[NEWS]) Object.defineProperty(on, NEWS, { value: [] });
  const known = on[NEWS] ?? [];
  for (const each of known) if (each.after === after && each.words === words) return each;
  const moments = tail.filter(({ event }) => event.seq > after);
  const last = moments.at(-1);
  const parts = moments.flatMap((moment) => framesOf(moment, job, words));
  if (last && !isLastEvent(last, job) && !isAllOf(last, job)) parts.push(encode.encodeProgress(job, words));
  const size = parts.reduce((sum, each) => sum + each.chunk.byteLength, 0);
  const made = { after, words, frames: joinFrames(parts), size };
  known.push(made);
  return made;
}

/** Does the moment tell the present state, so that nothing is left to say? */
function isAllOf({ record, progress, step, status, message }: JobMoment, job: ShownJob): boolean {
  return (
    record === job && progress === job.progress && step === job.step && status === job.status && message === job.message
  );
}
