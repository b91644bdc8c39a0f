/** A PostgreSQL that others have taken every connection of. */
import { Client } from "pg";

/** More than any server of ours gives out. */
const MORE = 400;

/**
 * Takes every connection that is free, and then those of the product's pools that do nothing at the moment. Answers how to give them back.
 * `url`: of a superuser, as the product is in tests, so none are kept for others.
 */
export async function exhaustConnections(url: string): Promise<() => Promise<void>> {
  const taken: Client[] = [];
  async function takeAll(): Promise<void> {
    while (taken.length < MORE) {
      const client = new Client({ connectionString: url, application_name: "platen-exhaust" });
      client.on("error", () => undefined);
      const connected = await client.connect().then(
        () => true,
        () => false,
      );
      if (!connected) return;
      taken.push(client);
    }
  }
  await takeAll();
  await taken[0]?.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where backend_type = 'client backend' and state = 'idle' and application_name = ''`,
  );
  await takeAll();
  return async () => {
    await Promise.all(taken.map((client) => client.end().catch(() => undefined)));
  };
}
