/** A reconciler by a clock of the test, which counts what it asks of a scripted Temporal; and what such a Temporal lists. */
import { query } from "../../src/db.ts";
import { createReconciler } from "../../src/jobs/reconcile.ts";
import type { Log } from "../../src/log.ts";
import type { ListedRun } from "../../src/temporal.ts";
import type { ProtocolRoom } from "./protocol-room.ts";

/** Of everything that is listed, by Temporal's clock. */
export const NOW = Date.parse("2026-01-01T00:00:00Z");

/** An open run of that job, unless told otherwise. */
export const listedRun = (job: string, run_id: string, more: Partial<ListedRun> = {}): ListedRun => ({
  ...{ workflow_id: `publish-${job}`, run_id, open: true, started_at: NOW, closed_at: null },
  ...more,
});
export const closedRun = (job: string, run_id: string): ListedRun =>
  listedRun(job, run_id, { open: false, closed_at: NOW + 5_000 });

/** `looks`: at that job. */
export interface Seen {
  now: number;
  looks: number;
  allLooks: number;
  listings: number;
  since: number[];
  log: string[];
}

/** Its own rounds, one at each call. */
export function leaderOf(
  { room, temporal }: ProtocolRoom,
  job: string,
  options: { quietMs?: number } = {},
): { seen: Seen; round(): Promise<number> } {
  const seen: Seen = { now: 0, looks: 0, allLooks: 0, listings: 0, since: [], log: [] };
  const note = (...args: unknown[]) => void seen.log.push(args.map((arg) => JSON.stringify(arg)).join(" "));
  const log = Object.create(room.deps.log, { info: { value: note }, warn: { value: note } }) as Log;
  const executions = {
    ...temporal,
    describe(id: string) {
      seen.allLooks += 1;
      if (id === `publish-${job}`) seen.looks += 1;
      return temporal.describe(id);
    },
    listChanged(since: number) {
      seen.since.push(since);
      return temporal.listChanged(since);
    },
    listOpen(after: Uint8Array | null) {
      seen.listings += 1;
      return temporal.listOpen(after);
    },
  };
  const reconciler = createReconciler(
    { ...room.deps, log, executions },
    { everyMs: 0, quietMs: 60_000, now: () => seen.now, ...options },
  );
  return { seen, round: () => reconciler.round({ patient: true }) };
}

/**
 * So many running jobs like that one, with ids before its own: by 25 the walk does not reach it in a round. Answers their runs. `quietSeconds`: since
 * somebody wrote to them.
 */
export async function crowdOf(
  { room }: ProtocolRoom,
  job: string,
  { count = 25, quietSeconds = 0 }: { count?: number; quietSeconds?: number } = {},
): Promise<ListedRun[]> {
  const rows = await query<{ id: string }>(
    room.database.em.fork(),
    `insert into jobs (id, tenant_id, job_type, payload, status, run_id, step, steps, project_id, version_id, environment, workflow_id, updated_at)
     select n.id, tenant_id, job_type, payload, 'running', 'F', 'upload', '[{"status": "running"}]', project_id, version_id, environment,
       'publish-' || n.id, now() - make_interval(secs => $3)
     from jobs, (select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid as id from generate_series(1, $2::int) n) n where jobs.id = $1
     on conflict (id) do update set status = 'running', generation = 1, run_id = 'F', updated_at = excluded.updated_at, attention = null,
       cancel_requested_at = null, cancel_deadline_at = null
     returning id`,
    [job, count, quietSeconds],
  );
  return rows.map(({ id }) => listedRun(id, "F"));
}
