/** What the protocol writes: a change of the job's row and the events that tell of it, in one statement, so in one transaction. */
import { query, type Db } from "../db.ts";
import type { FromNow, JobPatch, JobRow } from "./job-store.ts";
import type { EventKind } from "./ledger-store.ts";

export interface NewEvent {
  kind: EventKind;
  data: Record<string, unknown>;
}

/**
 * What the row must still be. PostgreSQL holds it against the row under its lock: a statement that had to wait for the lock looks at
 * the row that it finds then. `seq` grows with every event, so with it a decision made on a row that was read before is sound.
 */
export type Fence = Pick<JobRow, "status" | "run_id" | "generation" | "attempt_at"> & Partial<Pick<JobRow, "seq">>;

export interface WriteOptions {
  fence?: Fence;
  /** Gives back what the job holds: the guard, its permit or its place in line. */
  dropGuard?: boolean;
  /** Keeps what a finished step yielded, in the place of what it yielded before. */
  yielded?: StepYield;
}

/** `revision`: of the draft that the step worked on. */
export interface StepYield {
  step: string;
  revision: number;
  result: unknown;
}

/** A step that ends with this statement ends now, by PostgreSQL's clock as all else: the process's own may be wrong. */
const STEP_ENDS = '"finished_at":"now"';
const NOW_ISO = `to_char(statement_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** With the final state, so that nothing lingers of a job that has ended, whatever dies then. */
const DROP = `, dropped as (delete from publish_guards where job_id in (select id from written)
    ), returned as (delete from job_permits where job_id in (select id from written)
    )`;

const JSON_COLUMNS = new Set(["result", "errors", "attention", "members"]);

/**
 * False when there is no such row, or not as the fence demands: then nothing is written. Numbers of events are handed out under the
 * row's lock, so in commit order: a plain sequence would let a reader's cursor skip events of writers that commit out of order.
 */
export async function writeJob(
  db: Db,
  jobId: string,
  patch: JobPatch,
  events: readonly NewEvent[],
  { fence, dropGuard = false, yielded }: WriteOptions = {},
): Promise<boolean> {
  const params: unknown[] = [jobId, events.map(({ kind }) => kind), events.map(({ data }) => JSON.stringify(data))];
  const param = (value: unknown): string => `$${params.push(value)}`;
  const sets = Object.entries(patch).map(([column, value]) => {
    if (value === "now" && column.endsWith("_at")) return `${column} = statement_timestamp()`;
    if (isFromNow(value))
      return `${column} = statement_timestamp() + make_interval(secs => ${param(value.after_ms)}::float8 / 1000)`;
    if (column === "steps") return `steps = ${stepsJson(param, JSON.stringify(value))}`;
    const isJson = JSON_COLUMNS.has(column) && value !== null;
    return `${column} = ${isJson ? `${param(JSON.stringify(value))}::jsonb` : param(value)}`;
  });
  const still = fence
    ? `and status = ${param(fence.status)}
        and run_id is not distinct from ${param(fence.run_id)}
        and generation = ${param(fence.generation)}
        and attempt_at = ${param(fence.attempt_at)}`
    : "";
  const unread = fence?.seq === undefined ? "" : `and seq = ${param(fence.seq)}`;
  const kept = yielded
    ? `, kept as (
      insert into job_step_results (job_id, step, tenant_id, generation, revision, result)
      select id, ${param(yielded.step)}, tenant_id, generation, ${param(yielded.revision)}, ${param(JSON.stringify(yielded.result))}::jsonb
      from written
      on conflict (job_id, step) do update set generation = excluded.generation, revision = excluded.revision, at = excluded.at,
        result = excluded.result
    )`
    : "";
  const written = await query(
    db,
    `
    with written as (
      update jobs set ${[...sets, "seq = seq + cardinality($2::text[])", "updated_at = statement_timestamp()"].join(", ")}
      where id = $1 ${still} ${unread}
      returning id, tenant_id, generation, seq
    ), told as (
      insert into job_events (job_id, seq, tenant_id, kind, data)
      select w.id, w.seq - cardinality($2::text[]) + e.position, w.tenant_id, e.kind, e.data::jsonb
      from written w, unnest($2::text[], $3::text[]) with ordinality as e (kind, data, position)
    )${dropGuard ? DROP : ""}${kept}
    select 1 from written
    `,
    params,
  );
  return written.length > 0;
}

const isFromNow = (value: unknown): value is FromNow =>
  typeof value === "object" && value !== null && "after_ms" in value;

function stepsJson(param: (value: unknown) => string, text: string): string {
  if (!text.includes(STEP_ENDS)) return `${param(text)}::jsonb`;
  return `replace(${param(text)}, '${STEP_ENDS}', '"finished_at":"' || ${NOW_ISO} || '"')::jsonb`;
}
