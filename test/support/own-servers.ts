/** Servers of a test file's own, which it may stop and start; their addresses stay the same. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, Connection } from "@temporalio/client";
import { createDatabase } from "../../src/db.ts";
import { migrate } from "../../src/dev/migrate.ts";
import { startPostgres, type PostgresServer } from "../../src/dev/postgres.ts";
import { startTemporal, type TemporalOptions, type TemporalServer } from "../../src/dev/temporal.ts";
import { createBreakingProxy, type BreakingProxy } from "./breaking-proxy.ts";
import type { TestDatabase } from "./database.ts";
import type { TestTemporal } from "./temporal.ts";

interface Breakable {
  /** What clients are connected to. */
  proxy: BreakingProxy;
  /** `url` or `address` of the same server by another way, for those who only watch: nothing is done to it. */
  quiet: string;
  /** Ends it without warning; resolves when it is gone. */
  crash(): Promise<void>;
  /** Starts it again with what it had on the disk; resolves when it takes connections. */
  restart(): Promise<void>;
}

/** PostgreSQL with the product's tables. It writes to the disk before it answers, so that a crash loses nothing. */
export async function startOwnPostgres(options: { maxConnections?: number } = {}): Promise<TestDatabase & Breakable> {
  const folder = await mkdtemp(join(tmpdir(), "platen-own-postgres-"));
  const start = () =>
    startPostgres({ ...options, dataDir: join(folder, "postgres"), log: join(folder, "postgres.log"), durable: true });
  const [proxy, quietly] = [await createBreakingProxy(), await createBreakingProxy()];
  const ways = both(proxy, quietly);
  let server: PostgresServer = await start();
  const url = new URL(server.url());
  await ways.open(Number(url.port));
  url.port = String(quietly.port);
  const quiet = url.href;
  url.port = String(proxy.port);
  await migrate(url.href);
  const database = await createDatabase({ url: url.href, pool: 20 });
  return {
    ...{ url: url.href, quiet, database, proxy },
    async crash() {
      // What `pg_ctl stop -m immediate` sends: no session is ended in peace, nothing is written any more.
      process.kill(server.child.pid, "SIGQUIT");
      await server.child.exited;
      await ways.shut();
    },
    async restart() {
      server = await start();
      await ways.open(Number(new URL(server.url()).port));
    },
    async close() {
      await database.close();
      await ways.shut();
      await server.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** Temporal's dev server on a file. */
export async function startOwnTemporal(
  options: Pick<TemporalOptions, "dynamicConfig"> = {},
): Promise<TestTemporal & Breakable> {
  const folder = await mkdtemp(join(tmpdir(), "platen-own-temporal-"));
  const start = () =>
    startTemporal({ ...options, file: join(folder, "temporal.db"), log: join(folder, "temporal.log") });
  const portOf = ({ address }: TemporalServer): number => Number(address.split(":")[1]);
  const [proxy, quietly] = [await createBreakingProxy(), await createBreakingProxy()];
  const ways = both(proxy, quietly);
  let server = await start();
  await ways.open(portOf(server));
  const address = `127.0.0.1:${proxy.port}`;
  const quiet = `127.0.0.1:${quietly.port}`;
  const { namespace } = server;
  const connection = await Connection.connect({ address });
  return {
    ...{ address, quiet, namespace, proxy },
    client: new Client({ connection, namespace }),
    taskQueuePrefix: `test-${randomBytes(6).toString("hex")}-`,
    async crash() {
      process.kill(server.child.pid, "SIGKILL");
      await server.child.exited;
      await ways.shut();
    },
    async restart() {
      server = await start();
      await ways.open(portOf(server));
    },
    async close() {
      await connection.close();
      await ways.shut();
      await server.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** Opened and shut together, as what they lead to is there or not. */
function both(...proxies: BreakingProxy[]): Pick<BreakingProxy, "open" | "shut"> {
  return {
    open: (port) => Promise.all(proxies.map((each) => each.open(port))).then(() => undefined),
    shut: () => Promise.all(proxies.map((each) => each.shut())).then(() => undefined),
  };
}
