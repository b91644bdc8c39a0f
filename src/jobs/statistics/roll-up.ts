/**
 * Counts what has ended. The reconciler's leader does so every few seconds, `GET /jobs/stats` before it answers, and maintenance; whoever
 * finds another at it leaves it alone.
 *
 * What dies in the middle has counted nothing: taking the endings and counting them is one transaction.
 */
import { transaction, type Database, type Db } from "../../db.ts";
import { hasEndings, pruneSamples, rollUpEndings, takeRollUpLock } from "./roll-up-store.ts";

/** Of one transaction: 30 ms of a request that finds so many. */
const BATCH = 2_000;

/** Of one where nobody waits: each reads past what those before it have deleted, so a million in small ones would take hours. */
const MANY = 100_000;

/** Of a type, per tenant: more would say what was true long ago. */
const SAMPLES = 200;

/** Answers how many it has counted; 0 too while another process does it. */
export async function rollUpOnce(database: Database | Db, limit = BATCH): Promise<number> {
  return transaction(database, async (tx) => {
    if (!(await takeRollUpLock(tx))) return 0;
    const types = await rollUpEndings(tx, limit);
    if (types.length > 0) await pruneSamples(tx, types, SAMPLES);
    return types.reduce((sum, { count }) => sum + count, 0);
  });
}

/** Until nothing is left, or `signal` aborts. Answers how many. */
export async function rollUpAll(database: Database | Db, signal?: AbortSignal): Promise<number> {
  for (let all = 0; ;) {
    const count = await rollUpOnce(database, MANY);
    all += count;
    if (count === 0 || signal?.aborted) return all;
  }
}

/** One batch at most, so that an answer is up to date and comes soon. Answers whether more is waiting. */
export async function rollUpSome(db: Db): Promise<boolean> {
  if (!(await hasEndings(db))) return false;
  await rollUpOnce(db);
  return hasEndings(db);
}
