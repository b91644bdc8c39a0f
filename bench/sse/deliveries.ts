/** What was written and what arrived, held against each other. */
import { round } from "../support/turns.ts";
import type { Arrivals } from "./follow-ledger.ts";
import type { Written } from "./writer.ts";

export interface Deliveries {
  expected: number;
  /** Events that never came to a watcher. */
  lost: number;
  /** Events that came after a later one, or twice. */
  out_of_order: number;
  /** ms, sorted. */
  from_commit: Float64Array;
  from_asking: Float64Array;
}

/**
 * Watcher `w` watches job `w % jobs`, whose events are numbered from 1. `each`: events per job; `skip`: how many of them,
 * the first ones, have to come, and do not count in time.
 */
export function joinDeliveries(
  written: readonly Written[],
  arrivals: Arrivals,
  { jobs, watchers, each, skip }: { jobs: number; watchers: number; each: number; skip: number },
): Deliveries {
  const asked = joined(written.map((part) => part.asked));
  const committed = joined(written.map((part) => part.committed));
  const newest = new Uint32Array(watchers);
  const seen = new Uint8Array(watchers * each);
  const count = arrivals.seq.length;
  const [fromCommit, fromAsking] = [new Float64Array(count), new Float64Array(count)];
  let [distinct, outOfOrder, timedCount] = [0, 0, 0];
  for (let at = 0; at < count; at += 1) {
    const [watcher, seq] = [arrivals.watcher[at]!, arrivals.seq[at]!];
    if (seq <= newest[watcher]!) outOfOrder += 1;
    newest[watcher] = Math.max(newest[watcher]!, seq);
    if (seen[watcher * each + seq - 1] === 0) distinct += 1;
    seen[watcher * each + seq - 1] = 1;
    const entry = (watcher % jobs) * each + seq - 1;
    if (seq <= skip) continue;
    fromCommit[timedCount] = arrivals.at[at]! - committed[entry]!;
    fromAsking[timedCount] = arrivals.at[at]! - asked[entry]!;
    timedCount += 1;
  }
  const sorted = (times: Float64Array): Float64Array => times.subarray(0, timedCount).toSorted();
  const expected = watchers * each;
  return {
    ...{ expected, lost: expected - distinct, out_of_order: outOfOrder },
    ...{ from_commit: sorted(fromCommit), from_asking: sorted(fromAsking) },
  };
}

function joined(parts: readonly Float64Array[]): Float64Array {
  return Float64Array.from(parts.flatMap((part) => [...part]));
}

/** `share`: 0.99 for the 99th percentile. NaN of nothing. */
export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function percentiles(sorted: Float64Array): Record<string, number> {
  const of = (share: number): number => round(percentile(sorted, share));
  return { p50: of(0.5), p90: of(0.9), p99: of(0.99), p999: of(0.999), most: of(1) };
}
