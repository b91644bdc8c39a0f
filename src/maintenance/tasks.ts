/**
 * What a maintenance job does, in order: first what refers to objects, then the objects that nothing refers to any more. Each task is safe
 * to run twice, beside another one, and to be interrupted anywhere. Another task is one more line here.
 */
import type { Database } from "../db.ts";
import type { Log } from "../log.ts";
import type { Stores } from "../storage/object-store.ts";
import { forgetHours } from "../jobs/statistics/roll-up-store.ts";
import { rollUpAll } from "../jobs/statistics/roll-up.ts";
import { HOUR_DAYS } from "../jobs/statistics/windows.ts";
import { sweepRows } from "../imports/import-rows-store.ts";

import { expireIdempotencyKeys } from "./maintenance-store.ts";
import { publicOrphans, removeSuperseded } from "./orphans.ts";
import { privateOrphans } from "./private-orphans.ts";
import { compactLogs, expireArtifactsOf, removeJobs } from "./retention.ts";
import { dropClaims } from "./retention-store.ts";

/** Settings; see src/config.ts. */
export interface Retention {
  keepJobsDays: number;
  keepLogsDays: number;
  orphanGraceHours: number;
}

/** Only what says its own time goes, and orphans after a week. */
export const KEEP_ALL: Retention = { keepJobsDays: 0, keepLogsDays: 0, orphanGraceHours: 168 };

export interface TaskRun {
  deps: { database: Database; stores: Stores; log: Log; retention: Retention };
  tenant: { id: string; slug: string };
  /** Names this run: what it has begun to remove is its own. */
  holder: string;
  /** Count only. */
  dry_run: boolean;
  signal: AbortSignal;
  /** One line of the report: something that was removed, or would be. */
  found(what: Record<string, unknown>): void;
  /** Says that it goes on. */
  told(message: string): void;
}

export interface MaintenanceTask {
  /** snake_case; its name in the report. */
  name: string;
  label: string;
  /** Answers how much it removed, or would remove. */
  run(run: TaskRun): Promise<number>;
}

export const TASKS: readonly MaintenanceTask[] = [
  {
    name: "idempotency_keys",
    label: "Idempotency keys that have expired",
    run: ({ deps, dry_run }) => expireIdempotencyKeys(deps.database.em.fork(), dry_run),
  },
  {
    name: "statistics_hours",
    label: "Hours of the statistics that no window reaches any more",
    async run({ deps, dry_run, signal }) {
      if (!dry_run) await rollUpAll(deps.database, signal);
      return forgetHours(deps.database.em.fork(), { days: HOUR_DAYS, dry_run });
    },
  },
  { name: "jobs", label: "Jobs that have outlived their time", run: removeJobs },
  {
    name: "import_rows",
    label: "Staged rows of imports that are over",
    run: ({ deps, tenant, dry_run }) => sweepRows(deps.database.em.fork(), { tenant_id: tenant.id, dry_run }),
  },
  { name: "job_logs", label: "Steps and logs of jobs that ended long ago", run: compactLogs },
  { name: "artifacts", label: "Artifacts that have expired", run: expireArtifactsOf },
  {
    name: "claims",
    label: "Claims of uploads that ended long ago",
    run: ({ deps, tenant, dry_run }) =>
      dropClaims(deps.database.em.fork(), {
        tenant_id: tenant.id,
        graceHours: deps.retention.orphanGraceHours,
        dry_run,
      }),
  },
  { name: "staged_releases", label: "What was generated of drafts that have changed since", run: removeSuperseded },
  { name: "private_objects", label: "Objects of the private store that nothing names", run: privateOrphans },
  { name: "public_objects", label: "Objects that no release has", run: publicOrphans },
];
