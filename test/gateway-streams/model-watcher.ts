/**
 * A watcher of the model test: what it holds of the ledger since it last began, and the rules that every frame must obey.
 *
 *   begins anew with a snapshot: when it brought no cursor, or one that cannot be gone on from, and is told so by `reset`
 *   goes on with the event behind its cursor; then one by one
 *   a final event ends the answer; 204 comes when the job has ended and the watcher has seen that
 */
import { isFinal } from "../../contract/job-state.ts";
import type { JobRow } from "../../src/jobs/job-store.ts";
import { logEntryOf } from "../../src/jobs/job-moments.ts";
import type { JobEvent } from "../../src/jobs/ledger-store.ts";
import { openEventStream, type EventStream } from "./event-stream.ts";
import type { SeenFrame } from "../support/frames.ts";

export interface ModelWatcher {
  /** As an EventSource sends it; null for none. */
  cursor(): string | null;
  /** Holds nothing any more but this cursor. */
  forget(cursor: string | null): void;
  /** Comes (back) with its cursor, once it has been dropped. `row`: of the job just now, which stays as it is until this resolves. */
  open(on: { url: string; cutAt: number | null; row: JobRow }): Promise<void>;
  /** Resolves when it has been told of the event with that number, or its answer has ended. */
  reaches(seq: number): Promise<void>;
  /** Resolves when its answer has ended; rejects like `reaches` when that takes too long. */
  ended(): Promise<void>;
  drop(): Promise<void>;
  isToldToStayAway(): boolean;
  /** Throws the first rule that was broken. */
  demandSound(): void;
  /** Throws unless it holds the ledger from where it began to the end, and one final event of that name. */
  demandWhole(ledger: readonly JobEvent[], finalEvent: string): void;
}

const WAIT_MS = 10_000;

const isFinalFrame = ({ event }: SeenFrame): boolean => event.startsWith("job-");

export function createModelWatcher(options: { key: string; path: string; oldest: () => number }): ModelWatcher {
  const { key, path, oldest } = options;
  let cursor: string | null = null;
  /** Where it began: with the event behind this one, or with a snapshot whose number is only known from what follows it. */
  let base: number | null = null;
  let snapshot: SeenFrame | null = null;
  let held: SeenFrame[] = [];
  let stream: EventStream | null = null;
  let dropped = false;
  let stayAway = false;
  const faults: string[] = [];
  const waiting = new Set<() => void>();

  const last = (): number | null => (held.length > 0 ? Number(held.at(-1)?.id) : base);
  const fault = (text: string): void =>
    void faults.push(`${text} (cursor ${cursor}, oldest ${oldest()}; told ${lastFrames()})`);
  const lastFrames = (): string =>
    (stream?.frames ?? [])
      .slice(-5)
      .map(({ id, event }) => id ?? event)
      .join();
  /** `seq`: of the job when this answer began; where a snapshot stands is at least that. */
  const isUnusable = (seq: number): boolean =>
    cursor === null
      ? oldest() > seq + 1
      : !(/^\d{1,9}$/.test(cursor) && Number(cursor) <= seq && Number(cursor) + 1 >= oldest());

  function told(frame: SeenFrame, number: number, seq: number, broughtCursor: boolean): void {
    if (number > 1 && stream && stream.frames.slice(0, -1).some(isFinalFrame)) fault(`${frame.event} after the end`);
    if (frame.data?.snapshot) begin(frame, number === 1 && !broughtCursor, seq);
    else if (number === 1 && !broughtCursor) fault("it does not begin with a snapshot");
    if (frame.data?.snapshot) return waiting.forEach((check) => check());
    if (frame.id !== undefined) hold(frame);
    else if (isFinalFrame(frame)) fault("a final event without a number");
    for (const check of waiting) check();
  }

  function begin(frame: SeenFrame, isFirst: boolean, seq: number): void {
    if (Boolean(frame.data.reset) === isFirst) fault(`a snapshot with reset ${frame.data.reset}`);
    if (!isFirst && !isUnusable(seq)) fault("a snapshot for a cursor that could be gone on from");
    snapshot = frame;
    // One that replaces a cursor says what it reaches to; what a new one reaches to is known from what follows.
    if ((frame.id === undefined) === Boolean(frame.data.reset)) fault(`a snapshot with the id ${frame.id}`);
    base = frame.id === undefined ? null : Number(frame.id);
    cursor = frame.id ?? cursor;
    held = [];
  }

  function hold(frame: SeenFrame): void {
    const [seq, before] = [Number(frame.id), last()];
    if (before === null && !snapshot) fault(`${seq} for a cursor that means nothing`);
    if (before !== null && seq !== before + 1) fault(`${seq} after ${before}`);
    if (before === null) base = seq - 1;
    held.push(frame);
    cursor = frame.id ?? null;
  }

  function until(what: string, done: () => boolean): Promise<void> {
    const reached = Promise.withResolvers<void>();
    const late = (): void => reached.reject(new Error(`waited for ${what} (cursor ${cursor}; told ${lastFrames()})`));
    const timer = setTimeout(late, WAIT_MS);
    const check = (): void => {
      if (done()) reached.resolve();
    };
    waiting.add(check);
    check();
    return reached.promise.finally(() => {
      clearTimeout(timer);
      waiting.delete(check);
    });
  }

  return {
    cursor: () => cursor,
    forget(given) {
      cursor = given;
      base = given !== null && /^\d{1,9}$/.test(given) ? Number(given) : null;
      snapshot = null;
      held = [];
    },
    async open({ url, cutAt, row }) {
      dropped = false;
      stayAway = false;
      const brought = cursor;
      let number = 0;
      const mine = openEventStream({
        ...{ url, key, path, cursor },
        ...(cutAt === null ? {} : { cutAt }),
        told: (frame) => {
          if (!dropped) told(frame, ++number, row.seq, brought !== null);
        },
      });
      stream = mine;
      void mine.ended.then(() => {
        const isCut = dropped || (cutAt !== null && mine.taken() >= cutAt);
        const isOver = mine.status() === 204 || mine.frames.some(isFinalFrame);
        if (!isCut && !isOver && !isUnusable(row.seq)) fault("an answer broke off");
        if (isOver && !isCut && mine.status() === 200 && !mine.complete()) fault("an answer without an end");
        if (stream === mine) stream = null;
        for (const check of waiting) check();
      });
      await mine.answered;
      const isAtEnd = isFinal(row.status) && brought === String(row.seq);
      if (mine.status() !== (isAtEnd ? 204 : 200))
        fault(`${mine.status()} for ${brought} of ${row.seq}, ${row.status}`);
      stayAway = mine.status() === 204;
    },
    reaches: (seq) => until(`event ${seq}`, () => stream === null || last() === seq || (last() === null && !!snapshot)),
    ended: () => until("the end", () => stream === null),
    async drop() {
      dropped = true;
      stream?.drop();
      await stream?.ended;
    },
    isToldToStayAway: () => stayAway,
    demandSound() {
      if (faults.length > 0) throw new Error(faults[0]);
    },
    demandWhole(ledger, finalEvent) {
      const from = base ?? ledger.length;
      const expected = ledger.filter(({ seq }) => seq > from).map(({ seq }) => seq);
      const ids = held.map(({ id }) => id).join();
      if (ids !== expected.join()) throw new Error(`it holds ${ids}, the ledger ${expected.join()}`);
      const finals = held.filter((frame) => isFinalFrame(frame) && frame.id === String(ledger.length));
      const begunAtEnd = held.length === 0 && cursor === String(ledger.length);
      if (finals.length !== (begunAtEnd ? 0 : 1)) throw new Error(`${finals.length} final events`);
      if (finals.some(({ event }) => event !== finalEvent)) throw new Error(`${finals[0]?.event} for ${finalEvent}`);
      for (const frame of held) demandSame(frame, ledger[Number(frame.id) - 1]);
      if (snapshot) demandEntries(snapshot, ledger.slice(0, from), oldest());
    },
  };
}

/** What an event says is what the ledger says. */
function demandSame(frame: SeenFrame, event: JobEvent | undefined): void {
  const entry = event && logEntryOf(event);
  const messages = (frame.data.logs ?? []).map((each: { message: string }) => each.message);
  const isSame = isFinalFrame(frame)
    ? event?.kind === "status" && event.data["status"] === frame.data.status
    : messages.join("\n") === (entry ? [entry.message] : []).join("\n");
  if (!isSame) throw new Error(`${JSON.stringify(frame)} is not ${JSON.stringify(event)}`);
}

/** A snapshot has the entries of all events before it that had not been deleted then: those that are there now, and maybe more. */
function demandEntries(snapshot: SeenFrame, before: readonly JobEvent[], oldest: number): void {
  const messages = (events: readonly JobEvent[]): string[] =>
    events.flatMap((event) => logEntryOf(event)?.message ?? []);
  const told = snapshot.data.logs.map((entry: { message: string }) => entry.message) as string[];
  const [all, least] = [messages(before), messages(before.filter(({ seq }) => seq >= oldest))];
  const isSuffix = told.length >= least.length && all.slice(all.length - told.length).join("\n") === told.join("\n");
  if (!isSuffix)
    throw new Error(`a snapshot with ${told.length} entries, at least the last ${least.length} of ${all.length}`);
}
