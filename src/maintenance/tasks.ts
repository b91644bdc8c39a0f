/** What a maintenance job does, in order. Each task is safe to run twice, beside another one, and to be interrupted anywhere. */
import type { Database } from "../db.ts";
import type { Log } from "../log.ts";
import type { Stores } from "../storage/object-store.ts";
import { forgetHours } from "../jobs/statistics/roll-up-store.ts";
import { rollUpAll } from "../jobs/statistics/roll-up.ts";
import { HOUR_DAYS } from "../jobs/statistics/windows.ts";
import { sweepRows } from "../imports/import-rows-store.ts";
import * as store from "./maintenance-store.ts";

export interface TaskRun {
  deps: { database: Database; stores: Stores; log: Log };
  /** Count only. */
  dry_run: boolean;
  signal: AbortSignal;
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
    run: ({ deps, dry_run }) => store.expireIdempotencyKeys(deps.database.em.fork(), dry_run),
  },
  {
    name: "statistics_hours",
    label: "Hours of the statistics that no window reaches any more",
    async run({ deps, dry_run, signal }) {
      if (!dry_run) await rollUpAll(deps.database, signal);
      return forgetHours(deps.database.em.fork(), { days: HOUR_DAYS, dry_run });
    },
  },
  {
    name: "import_rows",
    label: "Staged rows of imports that are over",
    run: ({ deps, dry_run }) => sweepRows(deps.database.em.fork(), dry_run),
  },
];
