/** Leases: one leader per periodic task, by a row that expires. Saves work; correctness never rests on it. */
import { queryOne, type Db } from "../db.ts";

/** Takes or renews the lease for `seconds`; false while someone else holds it. */
export async function takeLease(db: Db, options: { name: string; holder: string; seconds: number }): Promise<boolean> {
  const row = await queryOne(
    db,
    `
    insert into leases (name, holder, expires_at)
    values ($1, $2, now() + make_interval(secs => $3))
    on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at
    where leases.holder = excluded.holder or leases.expires_at < now()
    returning holder
    `,
    [options.name, options.holder, options.seconds],
  );
  return row !== null;
}
