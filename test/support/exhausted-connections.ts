/** A PostgreSQL that others have taken every connection of. */
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { until } from "./publishing.ts";

/** More than any server of ours gives out. */
const MORE = 400;

/** Between two rounds. */
const PAUSE_MS = 50;

export interface Exhausted {
  /** Resolves when the product's pools have none left, and so can have none again. */
  complete(): Promise<void>;
  giveBack(): Promise<void>;
}

/**
 * Takes every connection that is free, and goes on taking those that the product's pools give up or do nothing with: one that is in
 * use at first would be idle in its pool afterwards, and enough for a publish.
 * `url`: of a superuser, as the product is in tests, so none are kept for others.
 */
export async function exhaustConnections(url: string): Promise<Exhausted> {
  const taken: Client[] = [];
  let over = false;
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
  async function round(): Promise<void> {
    await takeAll();
    await taken[0]?.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where backend_type = 'client backend' and state = 'idle' and application_name = ''`,
    );
    await takeAll();
  }
  await round();
  // In a storm the server itself may be stopped meanwhile: then nobody has a connection anyway.
  const rounds = (async () => {
    while (!over) {
      await round().catch(() => undefined);
      await sleep(PAUSE_MS);
    }
  })();
  return {
    async complete() {
      await until("the pools to have no connection", async () => {
        await takeAll();
        // None is free, and none is of a pool: who is left has a name, and keeps its connection.
        const named = `select count(*) = current_setting('max_connections')::int as "all" from pg_stat_activity
          where backend_type = 'client backend' and application_name <> ''`;
        return (await taken[0]?.query<{ all: boolean }>(named))?.rows[0]?.all;
      });
    },
    async giveBack() {
      over = true;
      await rounds;
      await Promise.all(taken.map((client) => client.end().catch(() => undefined)));
    },
  };
}
