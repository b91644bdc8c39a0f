import { expect, it } from "vitest";
import { momentsOf } from "../../src/jobs/job-moments.ts";
import type { JobRecord } from "../../src/jobs/job-queries-store.ts";
import type { JobEvent } from "../../src/jobs/ledger-store.ts";

const record = (seq: number): JobRecord =>
  ({ seq, status: "running", generation: 1, progress: 5, step: "validate" }) as JobRecord;
const entry = (seq: number): JobEvent => ({
  seq,
  at: "2026-01-01T00:00:00.000Z",
  kind: "log",
  data: { message: `Entry ${seq}` },
});

it("a moment that follows a known one is that of its own event and record", () => {
  const [first] = momentsOf(record(1), [entry(1)]);
  const newer = record(3);
  const next = momentsOf(newer, [entry(2), entry(3)], first);
  expect(next.map(({ event }) => event)).toEqual([entry(2), entry(3)]);
  expect(next.map((moment) => moment.record)).toEqual([newer, newer]);
});
