/**
 * Times as counts per bucket. Bucket b holds what took over GROWTH^(b-1) and up to GROWTH^b milliseconds, bucket 0 all up to one. Buckets are
 * fixed, so counts of any hours, types and machines can be added up; a percentile is told as the middle of its bucket (by ratio), and so is
 * at most √GROWTH − 1 off: 4.9 %.
 */

/** migrations/0014 and the roll-up have it too: rows that are there were counted with it. */
export const GROWTH = 1.1;

/** Of what took 35 days and everything longer. */
export const LAST_BUCKET = 231;

/** The largest relative error of a percentile. */
export const ERROR_BOUND = 0.05;

/** Count by bucket. */
export type Histogram = ReadonlyMap<number, number>;

/** Milliseconds that stand for a bucket. */
export function middleOf(bucket: number): number {
  return bucket <= 0 ? 0.5 : GROWTH ** (bucket - 0.5);
}

/** As they are kept: by bucket. */
export function addCounts(sum: Map<number, number>, counts: Readonly<Record<string, number>>): void {
  for (const key in counts) {
    const bucket = Number(key);
    sum.set(bucket, (sum.get(bucket) ?? 0) + counts[key]!);
  }
}

/** Of any hours and types. */
export function sumOf(histograms: Iterable<Histogram>): Histogram {
  const sum = new Map<number, number>();
  for (const histogram of histograms)
    for (const [bucket, count] of histogram) sum.set(bucket, (sum.get(bucket) ?? 0) + count);
  return sum;
}

/** Milliseconds below which that share of all is (nearest rank); null of an empty one. */
export function quantile(histogram: Histogram, share: number): number | null {
  const buckets = [...histogram].toSorted(([one], [other]) => one - other);
  const all = buckets.reduce((sum, [, count]) => sum + count, 0);
  const rank = Math.max(1, Math.ceil(share * all));
  let seen = 0;
  for (const [bucket, count] of buckets) {
    seen += count;
    if (seen >= rank) return middleOf(bucket);
  }
  return null;
}

export interface Percentiles {
  p50_ms: number;
  p95_ms: number;
  p99_ms: number;
}

/** Three significant digits, which is more than they are good for; null of an empty one. */
export function percentiles(histogram: Histogram): Percentiles | null {
  if (histogram.size === 0) return null;
  const at = (share: number): number => Number((quantile(histogram, share) ?? 0).toPrecision(3));
  return { p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99) };
}
