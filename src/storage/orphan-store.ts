/**
 * Objects that no record refers to, and how they are removed without ever taking one that somebody has just decided to rely on.
 *
 *   (nothing) ──marked──► orphan ──after the grace time──► being removed ──► (nothing)
 *                           └──claimed──► (nothing)            └── who claims them now waits for the end, and then finds nothing
 *
 * Marking, beginning to remove and claiming hold the same lock of PostgreSQL in their transactions, by the prefix's name; each looks, under
 * it, for what the others have written. A claim is written before its owner looks into the store; so either the claim is seen and nothing
 * is removed, or the removal is seen and the owner waits.
 */
import { query, queryOne, transaction, type Database, type Db } from "../db.ts";

/** One prefix (with `/` at its end) or key of one store. */
export interface ObjectPlace {
  store: "private" | "public";
  prefix: string;
}

/** A holder that has said nothing for so many seconds is dead. It says so many times a minute, and deletes nothing that late. */
export const HOLDER_SECONDS = 600;

/** Until the transaction ends nobody else claims, marks or begins to remove these. */
export async function lockPlaces(tx: Db, places: readonly ObjectPlace[]): Promise<void> {
  const names = places.map(({ store, prefix }) => `${store} ${prefix}`).toSorted();
  // In one order, so that two who want several do not wait for each other.
  await query(
    tx,
    `select pg_advisory_xact_lock(hashtextextended(name, 0)) from unnest($1::text[]) with ordinality as n (name, place) order by place`,
    [names],
  );
}

/** Under `lockPlaces`: forgets the marks, and answers which of the places are being removed. */
export async function unmark(
  tx: Db,
  { store, prefixes }: { store: ObjectPlace["store"]; prefixes: readonly string[] },
): Promise<string[]> {
  await query(tx, `delete from orphan_objects where store = $1 and prefix = any ($2::text[]) and holder is null`, [
    store,
    prefixes,
  ]);
  const rows = await query<{ prefix: string }>(
    tx,
    `select prefix from orphan_objects where store = $1 and prefix = any ($2::text[])`,
    [store, prefixes],
  );
  return rows.map(({ prefix }) => prefix);
}

/** Under `lockPlaces` of the prefix: as `unmark`, of every object under it that has a mark of its own. */
export async function unmarkUnder(tx: Db, { store, prefix }: ObjectPlace): Promise<string[]> {
  await query(tx, `delete from orphan_objects where store = $1 and starts_with(prefix, $2) and holder is null`, [
    store,
    prefix,
  ]);
  const rows = await query<{ prefix: string }>(
    tx,
    `select prefix from orphan_objects where store = $1 and starts_with(prefix, $2)`,
    [store, prefix],
  );
  return rows.map((row) => row.prefix);
}

/** Since when the place is known to be an orphan, in hours; null for one that is not. */
export async function orphanHours(db: Db, { store, prefix }: ObjectPlace): Promise<number | null> {
  const row = await queryOne<{ hours: number }>(
    db,
    `select extract(epoch from now() - orphan_since)::float8 / 3600 as hours from orphan_objects where store = $1 and prefix = $2`,
    [store, prefix],
  );
  return row?.hours ?? null;
}

/** `inUse` is asked under the lock. False when it is in use. */
export async function markOrphan(
  database: Database,
  place: ObjectPlace & { tenant_id: string | null },
  inUse: (tx: Db) => Promise<boolean>,
): Promise<boolean> {
  return transaction(database, async (tx) => {
    await lockPlaces(tx, [place]);
    if (await inUse(tx)) return false;
    await query(
      tx,
      `insert into orphan_objects (store, prefix, tenant_id) values ($1, $2, $3) on conflict do nothing`,
      [place.store, place.prefix, place.tenant_id],
    );
    return true;
  });
}

/** `taken_over`: from a holder that may not know yet; it says who it is once in `LOOK_MS` (remove-objects.ts). */
export type Removal = "begun" | "taken_over";

/**
 * Takes the place to remove it, if it has been an orphan for so long and nobody else removes it; null otherwise. `holder` is
 * `{job}/{attempt}`: an attempt takes over at once from another one of its job, and from anybody who has been silent for
 * `HOLDER_SECONDS`. `done` runs in the transaction.
 */
export async function beginRemoval(
  database: Database,
  place: ObjectPlace & { holder: string; graceHours: number },
  { inUse, done }: { inUse: (tx: Db) => Promise<boolean>; done: (tx: Db) => Promise<void> },
): Promise<Removal | null> {
  return transaction(database, async (tx) => {
    await lockPlaces(tx, [place]);
    const { store, prefix, holder, graceHours } = place;
    // What has been begun must be ended: some of it is gone already.
    const begun = await queryOne(
      tx,
      `select 1 from orphan_objects where store = $1 and prefix = $2 and holder is not null`,
      [store, prefix],
    );
    if (!begun && (await inUse(tx))) {
      await unmark(tx, { store, prefixes: [prefix] });
      return null;
    }
    const taken = await queryOne(
      tx,
      `
      update orphan_objects set holder = $3, beat_at = now()
      where store = $1 and prefix = $2 and (holder is not null or orphan_since <= now() - make_interval(secs => $4::float8 * 3600))
        and (holder is null or split_part(holder, '/', 1) = split_part($3, '/', 1) or beat_at < now() - make_interval(secs => $5))
      returning 1
      `,
      [store, prefix, holder, graceHours, HOLDER_SECONDS],
    );
    if (!taken) return null;
    await done(tx);
    return begun ? "taken_over" : "begun";
  });
}

/** False when the place is another's by now. */
export async function goOnRemoving(
  db: Db,
  { store, prefix, holder }: ObjectPlace & { holder: string },
): Promise<boolean> {
  const row = await queryOne(
    db,
    `update orphan_objects set beat_at = now() where store = $1 and prefix = $2 and holder = $3 returning 1`,
    [store, prefix, holder],
  );
  return row !== null;
}

/** The place is empty: whoever waits may go on. */
export async function endRemoval(db: Db, { store, prefix, holder }: ObjectPlace & { holder: string }): Promise<void> {
  await query(db, `delete from orphan_objects where store = $1 and prefix = $2 and holder = $3`, [
    store,
    prefix,
    holder,
  ]);
}
