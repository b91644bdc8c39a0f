/** The rules of the reconciler: what it looks at, what it concludes, what it notes. */
import type { Mutation } from "./mutation.ts";

const VISIBILITY = "test/jobs/reconcile-visibility.test.ts";
const ATTENTION = "test/jobs/attention.test.ts";

export const RECONCILER_RULES: Mutation[] = [
  {
    rule: "a closed run of an open job is looked at",
    file: "src/jobs/reconcile-store.ts",
    find: "and (run_id is null or run_id = listed_run)",
    replace: "and run_id is null",
    test: "as closed settles its job",
    testFile: VISIBILITY,
  },
  {
    rule: "an open run that no row names is looked at, also of a job that has ended",
    file: "src/jobs/reconcile-store.ts",
    find: "when is_open then run_id is distinct from listed_run",
    replace: "when is_open then false and run_id is distinct from listed_run",
    test: "reopens its job that ended long ago",
    testFile: VISIBILITY,
  },
  {
    rule: "what could not be described is looked at again",
    file: "src/jobs/look-at-jobs.ts",
    find: "if (missed.size < MAX_MISSED) missed.set(id, job);",
    replace: "",
    test: "is looked at again when it could not be described",
    testFile: VISIBILITY,
  },
  {
    rule: "an open job without an open run is looked at",
    file: "src/jobs/reconcile-store.ts",
    find: "from jobs left join listed using (workflow_id)",
    replace: "from jobs join listed using (workflow_id)",
    test: "finds what is not in it",
    testFile: VISIBILITY,
  },
  {
    rule: "without visibility jobs are described one by one",
    file: "src/jobs/reconcile.ts",
    find: "sees && patient ?",
    replace: "patient ?",
    test: "are described one by one",
    testFile: VISIBILITY,
  },
  {
    rule: "the watermark outlives its leader",
    file: "src/jobs/reconcile.ts",
    find: "visibility.begin(await leaseWatermark(db(), LEASE))",
    replace: "visibility.begin(null)",
    test: "is left in the lease for the next leader",
    testFile: VISIBILITY,
  },
  {
    rule: "a cancel's deadline terminates nothing that has switched",
    file: "src/jobs/protocol/reconcile.ts",
    find: 'row.status === "running" && row.switched_at === null;',
    replace: 'row.status === "running";',
    test: "terminates nothing that has switched",
    testFile: VISIBILITY,
  },
  {
    rule: "attention is written to the row that was read only",
    file: "src/jobs/attention/tell-attention.ts",
    find: ", { fence: row });",
    replace: ");",
    test: "is nothing that a look from before the job went on can write",
    testFile: ATTENTION,
  },
  {
    rule: "stalled goes by progress, not by writes",
    file: "src/jobs/attention/attention-store.ts",
    find: "extract(epoch from now() - last_activity_at)",
    replace: "extract(epoch from now() - updated_at)",
    test: "is a step without progress for longer than its limit",
    testFile: ATTENTION,
  },
];
