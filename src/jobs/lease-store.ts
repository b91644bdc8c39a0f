/** Leases: one leader per periodic task, by a row that expires. Saves work; correctness never rests on it. */
import { query, queryOne, type Db } from "../db.ts";

/**
 * Takes or renews the lease for `seconds`; false while someone else holds it. `watermark`: ms since the epoch up to which the holder has
 * seen what happens in Temporal, for the next one to go on from; absent: stays as it is.
 */
export async function takeLease(
  db: Db,
  options: { name: string; holder: string; seconds: number; watermark?: number | null },
): Promise<boolean> {
  const row = await queryOne(
    db,
    `
    insert into leases (name, holder, expires_at, watermark)
    values ($1, $2, now() + make_interval(secs => $3), to_timestamp($4::float8 / 1000))
    on conflict (name) do update
      set holder = excluded.holder, expires_at = excluded.expires_at, watermark = coalesce(excluded.watermark, leases.watermark)
    where leases.holder = excluded.holder or leases.expires_at < now()
    returning holder
    `,
    [options.name, options.holder, options.seconds, options.watermark ?? null],
  );
  return row !== null;
}

/** Gives it back, so that another need not wait until it expires; nothing where someone else holds it. */
export async function returnLease(
  db: Db,
  options: { name: string; holder: string; watermark: number | null },
): Promise<void> {
  await query(
    db,
    `
    update leases set expires_at = now(), watermark = coalesce(to_timestamp($3::float8 / 1000), watermark)
    where name = $1 and holder = $2 and expires_at > now()
    `,
    [options.name, options.holder, options.watermark],
  );
}

/** What the last holder has left there; null when nobody has. */
export async function leaseWatermark(db: Db, name: string): Promise<number | null> {
  const row = await queryOne<{ watermark: number | null }>(
    db,
    `select (extract(epoch from watermark) * 1000)::float8 as watermark from leases where name = $1`,
    [name],
  );
  return row?.watermark ?? null;
}
