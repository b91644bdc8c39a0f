/**
 * The gateway's own process with real servers and jobs that run, but no worker: the bench writes what a worker would write. So the
 * reconciler is off: it would find out that Temporal knows nothing of these jobs, and end them.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import getPort from "get-port";
import { configEnvironment } from "../../src/config.ts";
import type { Database } from "../../src/db.ts";
import { ensureApiKeys } from "../../src/dev/api-keys.ts";
import { startChild, untilReady } from "../../src/dev/child.ts";
import { startPostgres } from "../../src/dev/postgres.ts";
import { LEAN } from "../../src/dev/stack.ts";
import { startTemporal } from "../../src/dev/temporal.ts";
import type { BenchRoom } from "../support/bench.ts";
import { besideDatabase } from "../support/database.ts";

export interface BenchGateway {
  pid: number;
  port: number;
  /** Of a viewer. */
  headers: Record<string, string>;
  /** URL of its database. */
  url: string;
  database: Database;
  /** Process ids. */
  servers: { postgres: number; temporal: number };
}

/** For all processes that are compared with the gateway: V8 and glibc as they are there. */
export const GATEWAY_FLAGS: readonly string[] = LEAN.flags.gateway;
export const GATEWAY_ENV: NodeJS.ProcessEnv = LEAN.env;

/** Resolves when it is ready. `settings`: variables of its own. */
export async function startGateway(room: BenchRoom, settings: Record<string, string> = {}): Promise<BenchGateway> {
  room.tell("starting PostgreSQL, Temporal and the gateway");
  const logs = join(room.folder, "logs");
  await mkdir(logs, { recursive: true });
  const [postgres, temporal] = await Promise.all([
    startPostgres({ dataDir: join(room.folder, "postgres"), log: join(logs, "postgres.log"), durable: true }),
    startTemporal({ file: join(room.folder, "temporal.sqlite"), log: join(logs, "temporal.log") }),
  ]);
  for (const server of [postgres, temporal]) room.onEnd(() => server.stop());
  const { url, database } = await besideDatabase(room, postgres.url(), "platen");
  const keys = await ensureApiKeys({ folder: room.folder, database: url });
  const port = await getPort({ host: "127.0.0.1" });
  const gateway = await startChild({
    name: "gateway",
    command: process.execPath,
    args: [...GATEWAY_FLAGS, fileURLToPath(new URL("../../src/gateway/main.ts", import.meta.url))],
    log: join(logs, "gateway.log"),
    env: configEnvironment({
      ...(LEAN.env as Record<string, string>),
      PLATEN_DATABASE_URL: url,
      PLATEN_TEMPORAL_ADDRESS: temporal.address,
      PLATEN_TEMPORAL_NAMESPACE: temporal.namespace,
      PLATEN_STORE_FOLDER: join(room.folder, "store"),
      PLATEN_GATEWAY_HOST: "127.0.0.1",
      PLATEN_GATEWAY_PORT: String(port),
      PLATEN_RECONCILE_MS: "0",
      ...settings,
    }),
    stopSignal: "SIGTERM",
  });
  room.onEnd(() => gateway.stop(4_000));
  const isReady = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  await untilReady(gateway, 60_000, isReady);
  return {
    ...{ pid: gateway.pid, port, url, database, headers: { Authorization: `Bearer ${keys.viewer}` } },
    servers: { postgres: postgres.child.pid, temporal: temporal.child.pid },
  };
}
