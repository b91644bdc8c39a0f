/** What maintenance removes from PostgreSQL. */
import { queryOne, type Db } from "../db.ts";

/** Answers how many had expired. */
export async function expireIdempotencyKeys(db: Db, dry_run: boolean): Promise<number> {
  const row = await queryOne<{ count: number }>(
    db,
    dry_run
      ? `select count(*)::int as count from idempotency_keys where expires_at < now()`
      : `with gone as (delete from idempotency_keys where expires_at < now() returning 1) select count(*)::int as count from gone`,
  );
  return row?.count ?? 0;
}
