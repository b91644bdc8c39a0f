/** Applies the migrations: `npm run migrate` with PLATEN_DATABASE_URL set. A booting gateway or worker never does. */
import { readConfig } from "../config.ts";
import { createDatabase } from "../db.ts";

/** Names of the migrations that were missing and are applied now. Running it twice, or in two processes, is harmless. */
export async function migrate(url: string): Promise<string[]> {
  const database = await createDatabase({ url, pool: 2 });
  try {
    return (await database.migrator.up()).map((applied) => applied.name);
  } finally {
    await database.close();
  }
}

if (import.meta.main) {
  const applied = await migrate(readConfig().PLATEN_DATABASE_URL);
  console.log(applied.length ? `Applied ${applied.join(", ")}.` : "The database is up to date.");
}
