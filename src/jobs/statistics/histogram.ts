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

/** Counts, by bucket. Numbers side by side: of ninety days some ten thousand are added up for one answer. */
export type Histogram = Float64Array;

export const createHistogram = (): Histogram => new Float64Array(LAST_BUCKET + 1);

/** Milliseconds that stand for a bucket. */
export function middleOf(bucket: number): number {
  return bucket <= 0 ? 0.5 : GROWTH ** (bucket - 0.5);
}

const [ZERO, NINE, COLON, COMMA, CLOSE] = [48, 57, 58, 44, 125];

/** `counts`: as PostgreSQL prints them, `{"96": 12, "97": 3}`. Read here, for JSON.parse would make an object of each to throw away. */
export function addCounts(sum: Histogram, counts: string): void {
  let bucket = -1;
  let number = 0;
  for (let at = 0; at < counts.length; at += 1) {
    const code = counts.charCodeAt(at);
    if (code >= ZERO && code <= NINE) number = number * 10 + code - ZERO;
    else if (code === COLON) {
      bucket = number;
      number = 0;
    } else if (code === COMMA || code === CLOSE) {
      if (bucket >= 0) sum[bucket]! += number;
      number = 0;
    }
  }
}

/** Of any hours and types. */
export function sumOf(histograms: Iterable<Histogram>): Histogram {
  const sum = createHistogram();
  for (const histogram of histograms) for (let at = 0; at < sum.length; at += 1) sum[at]! += histogram[at]!;
  return sum;
}

/** Milliseconds below which that share of all is (nearest rank); null of an empty one. */
export function quantile(histogram: Histogram, share: number): number | null {
  const all = histogram.reduce((sum, count) => sum + count, 0);
  const rank = Math.max(1, Math.ceil(share * all));
  let seen = 0;
  for (let bucket = 0; bucket < histogram.length; bucket += 1) {
    seen += histogram[bucket]!;
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
  const at = (share: number): number | null => {
    const ms = quantile(histogram, share);
    return ms === null ? null : Number(ms.toPrecision(3));
  };
  const [p50_ms, p95_ms, p99_ms] = [at(0.5), at(0.95), at(0.99)];
  return p50_ms === null || p95_ms === null || p99_ms === null ? null : { p50_ms, p95_ms, p99_ms };
}
