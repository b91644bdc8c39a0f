/** What is done to a PostgreSQL server as a whole. */
import pg from "pg";

/** Runs one statement outside any transaction, as `create database` needs it. Names in it must be our own. */
export async function administer(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

/** Makes the database unless it is there; `url` is of another one on the same server. */
export async function ensureDatabase(url: string, name: string): Promise<void> {
  const there = await administer(url, `select 1 from pg_database where datname = '${name}'`);
  if (there.length === 0) await administer(url, `create database ${name}`);
}
