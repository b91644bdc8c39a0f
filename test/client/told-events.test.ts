/** Any order of streams, polls, cuts, gateways that are behind and ledgers that are cut: nothing is told twice, nothing is left out. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { createTold } from "../../src/client/told-events.ts";
import type { EndedJob, Job, JobState, LogEntry } from "../../src/client/job.ts";

const state = (seq: number): JobState => ({
  ...{
    id: "a",
    job_id: "job_a",
    status: "running",
    progress: seq,
    message: null,
    step: null,
    steps: [],
    generation: 1,
  },
});
const entry = (seq: number): LogEntry => ({ timestamp: "2026-01-01T00:00:00.000Z", level: "info", message: `${seq}` });
/** Every third event of this ledger is no log entry. */
const entriesOf = (from: number, to: number): LogEntry[] => {
  const entries: LogEntry[] = [];
  for (let seq = from; seq <= to; seq++) if (seq % 3 !== 0) entries.push(entry(seq));
  return entries;
};

/** What a watcher meets, one after the other. `lag`: events that the gateway does not know yet. */
const meeting = fc.oneof(
  fc.record({ kind: fc.constant("events" as const), count: fc.nat(4) }),
  fc.record({ kind: fc.constant("stream" as const), lag: fc.nat(2), read: fc.nat(6) }),
  fc.record({ kind: fc.constant("poll" as const) }),
  fc.record({ kind: fc.constant("cut" as const), keep: fc.nat(6) }),
);

it("every log entry once and in order, every id once, also when the ledger is cut at its old end", () => {
  fc.assert(
    fc.property(fc.array(meeting, { maxLength: 40 }), (meetings) => {
      const told = createTold(null);
      let [first, last] = [1, 1];
      /** Where the telling began. */
      let begun = 1;
      let logs: string[] = [];
      const ids: number[] = [];
      /** A reset: what was told before is void. */
      const take = (event: ReturnType<typeof told.frame>): void => {
        if (!event) return;
        if (event.type === "update" && event.reset) [logs, ids.length, begun] = [[], 0, first];
        if (event.type === "update") logs.push(...event.logs.map(({ message }) => message));
        if (event.id !== undefined) ids.push(Number(event.id));
      };
      const stream = (lag: number, read: number): void => {
        const cursor = told.cursor();
        const known = cursor === null ? Math.max(first, last - lag) : last;
        const usable = cursor !== null && Number(cursor) >= first - 1;
        let at = known;
        if (!usable) {
          const marks = { snapshot: true, ...(cursor === null ? {} : { reset: true }) };
          // A snapshot that replaces a cursor carries its own.
          const place = cursor === null ? {} : { id: String(known) };
          const data = { ...state(known), logs: entriesOf(first, known), ...marks };
          take(told.frame({ event: "job_update", ...place, data }));
        } else at = Number(cursor);
        for (let seq = at + 1; seq <= Math.min(last, at + read); seq++) {
          const data = { ...state(seq), logs: entriesOf(seq, seq) };
          take(told.frame({ event: "job_update", id: String(seq), data }));
        }
      };
      const poll = (): void => {
        for (const event of told.poll({ ...state(last), logs: entriesOf(first, last) } as Job)) take(event);
      };
      for (const each of meetings) {
        if (each.kind === "events") last += each.count;
        if (each.kind === "poll") poll();
        if (each.kind === "stream") stream(each.lag, each.read);
        // Nothing that the watcher has yet to be told: that is gone for everyone.
        if (each.kind === "cut") first = Math.max(first, Math.min(last - each.keep, Number(logs.at(-1) ?? 1)));
      }
      stream(0, Infinity);
      poll();
      expect(logs).toEqual(entriesOf(begun, last).map(({ message }) => message));
      expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
    }),
    { numRuns: 2_000 },
  );
});

it("entries that are the same to the letter are told as often as they are there", () => {
  const told = createTold(null);
  const same = entry(1);
  const logsOf = (logs: LogEntry[]): number =>
    told
      .poll({ ...state(1), logs } as Job)
      .reduce((sum, event) => sum + (event.type === "update" ? event.logs.length : 0), 0);
  expect([[same], [same, same], [same, same], [same, same, same]].map((logs) => logsOf(logs))).toEqual([1, 1, 0, 1]);
});

it("an end that a gateway remembers from before the job was started again ends nothing", () => {
  const told = createTold("6");
  const job = { ...state(5), status: "failed", result: null, error: null, error_code: null, errors: null } as EndedJob;
  const data = { ...job };
  expect(told.frame({ event: "job-failed", id: "5", data })).toBeNull();
  expect(told.frame({ event: "job-failed", id: "7", data })).toMatchObject({ type: "final", id: "7" });
});

it("what a later server may send is passed over, and its place kept", () => {
  const told = createTold("6");
  expect(told.frame({ event: "job_sighed", id: "7", data: {} })).toBeNull();
  expect(told.cursor()).toBe("7");
});
