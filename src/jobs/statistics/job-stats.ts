/** Statistics of a tenant's jobs: what ended in a window, and what is open now. docs/statistics.md says what is counted. */
import { FINAL_STATUSES, type FinalStatus } from "../../../contract/job-state.ts";
import { JOB_TYPES } from "../../../contract/job-types.ts";
import { iso, type Db } from "../../db.ts";
import { ERROR_BOUND, sumOf, percentiles, type Percentiles } from "./histogram.ts";
import { rollUpSome } from "./roll-up.ts";
import {
  countLive,
  firstCounted,
  readCounts,
  readTimes,
  type CountRow,
  type LiveRow,
  type SeriesRow,
  type TimeRow,
} from "./stats-store.ts";
import { windowAt, type Grain, type WindowName } from "./windows.ts";

export interface StateStats {
  status: FinalStatus;
  count: number;
  /** From being queued to its start; null where none has started. */
  wait: Percentiles | null;
  /** From its start to its end. */
  run: Percentiles | null;
}

export interface QueueStats {
  queued: number;
  running: number;
  /** When the job was made that waits for longest. */
  oldest_waiting_at: string | null;
  oldest_waiting_seconds: number | null;
}

export interface TypeStats {
  /** Null: of all types together. */
  type: string | null;
  ended: number;
  states: StateStats[];
  wait: Percentiles | null;
  run: Percentiles | null;
  failure_codes: { code: string; count: number }[];
  /** Of the window as it is told. */
  throughput: { per_hour: number; per_day: number };
  queue: QueueStats;
}

export interface JobStats {
  window: WindowName;
  from: string;
  to: string;
  /** When the oldest of it was counted, if that is later than `from`. */
  counted_since: string | null;
  grain: Grain;
  /** More has ended than is counted here. */
  pending: boolean;
  /** Of the percentiles, relative. */
  error_bound: number;
  all: TypeStats;
  types: TypeStats[];
  series: ({ at: string; ended: number } & Record<FinalStatus, number>)[];
}

export async function jobStats(
  db: Db,
  asked: { tenant_id: string; window: WindowName; type?: string; now?: number },
): Promise<JobStats> {
  const { tenant_id, window, type, now = Date.now() } = asked;
  const pending = await rollUpSome(db);
  const { grain, from, to, coarse } = windowAt(window, now);
  const filter = { tenant_id, grain, from, ...(type === undefined ? {} : { type }) };
  const types = type === undefined ? Object.keys(JOB_TYPES) : [type];
  const [{ totals: counts, series }, times, live, since] = await Promise.all([
    readCounts(db, filter),
    readTimes(db, { ...filter, coarse }),
    countLive(db, { tenant_id, types }),
    firstCounted(db, tenant_id),
  ]);
  const hours = (to.getTime() - from.getTime()) / 3_600_000;
  const told = (name: string | null): TypeStats => {
    const of = <Row extends { job_type: string }>(rows: Row[]): Row[] =>
      name === null ? rows : rows.filter((row) => row.job_type === name);
    return { type: name, ...statsOf({ counts: of(counts), times: of(times), live: of(live) }, { hours, now }) };
  };
  const seen = [...new Set([...counts, ...live].map((row) => row.job_type))].toSorted();
  const begun = iso(since);
  return {
    ...{ window, from: from.toISOString(), to: to.toISOString(), grain, pending, error_bound: ERROR_BOUND },
    counted_since: begun !== null && begun > from.toISOString() ? begun : null,
    ...{ all: told(null), types: seen.map(told), series: seriesOf(series) },
  };
}

interface Rows {
  counts: CountRow[];
  times: TimeRow[];
  live: LiveRow[];
}

function statsOf(
  { counts, times, live }: Rows,
  { hours, now }: { hours: number; now: number },
): Omit<TypeStats, "type"> {
  const ended = sum(counts);
  const per_hour = Number((ended / hours).toPrecision(3));
  const states = FINAL_STATUSES.flatMap((status) => {
    const count = sum(counts.filter((row) => row.status === status));
    if (count === 0) return [];
    const own = times.filter((row) => row.status === status);
    return [{ status, count, wait: timesOf(own, "wait"), run: timesOf(own, "run") }];
  });
  return {
    ...{ ended, states, wait: timesOf(times, "wait"), run: timesOf(times, "run"), failure_codes: codesOf(counts) },
    throughput: { per_hour, per_day: Number(((ended / hours) * 24).toPrecision(3)) },
    queue: queueOf(live, now),
  };
}

const sum = (rows: readonly { count: number }[]): number => rows.reduce((all, { count }) => all + count, 0);

function timesOf(rows: TimeRow[], measure: TimeRow["measure"]): Percentiles | null {
  return percentiles(sumOf(rows.filter((row) => row.measure === measure).map(({ histogram }) => histogram)));
}

/** Most frequent first. */
function codesOf(counts: CountRow[]): TypeStats["failure_codes"] {
  const codes = new Map<string, number>();
  for (const { error_code, count } of counts)
    if (error_code !== "") codes.set(error_code, (codes.get(error_code) ?? 0) + count);
  return [...codes]
    .map(([code, count]) => ({ code, count }))
    .toSorted((one, other) => other.count - one.count || (one.code < other.code ? -1 : 1));
}

function queueOf(live: LiveRow[], now: number): QueueStats {
  const waiting = live.filter(({ status }) => status === "queued");
  const oldest = waiting.map(({ oldest_at }) => iso(oldest_at)).toSorted()[0] ?? null;
  return {
    queued: sum(waiting),
    running: sum(live.filter(({ status }) => status === "running")),
    oldest_waiting_at: oldest,
    oldest_waiting_seconds: oldest === null ? null : Math.max(0, Math.round((now - Date.parse(oldest)) / 1_000)),
  };
}

/** Hours or days in which something ended; an empty one is left out. */
function seriesOf(rows: SeriesRow[]): JobStats["series"] {
  const series = new Map<string, JobStats["series"][number]>();
  for (const { at, status, count } of rows) {
    const nothing = { at: iso(at), ended: 0, completed: 0, partially_completed: 0, failed: 0, cancelled: 0 };
    const entry = series.get(at) ?? nothing;
    entry.ended += count;
    entry[status] += count;
    series.set(at, entry);
  }
  return [...series.values()];
}
