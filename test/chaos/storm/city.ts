/** All that a storm passes over: servers of its own, workers and gateways that are kept, a disk that can be broken. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client, Connection } from "@temporalio/client";
import { createDatabase } from "../../../src/db.ts";
import { createApiKey } from "../../../src/tenants/tenant-store.ts";
import { BAD_SECTORS } from "../../support/bad-sectors.ts";
import { createBalancer } from "../../support/balancer.ts";
import { startGatewayProcess, type GatewayProcess } from "../../support/gateway-process.ts";
import { startOwnPostgres, startOwnTemporal } from "../../support/own-servers.ts";
import { createPublishing, type Publishing } from "../../support/publishing.ts";
import { createSmallDisk, type SmallDisk } from "../../support/small-disk.ts";
import { startWorkerProcess, type WorkerProcess } from "../../support/worker-process.ts";
import { keepPlace, type Place } from "./crew.ts";
import { oneHourAhead } from "./wrong-clock.ts";

export interface City {
  /** What the storm does not reach: records and Temporal by a way of its own, for those who watch. */
  room: Publishing;
  postgres: Awaited<ReturnType<typeof startOwnPostgres>>;
  temporal: Awaited<ReturnType<typeof startOwnTemporal>>;
  /** Null where mounting is not allowed. */
  disk: SmallDisk | null;
  workers: Place<WorkerProcess>[];
  gateways: Place<GatewayProcess>[];
  /** Of all gateways, and a key for it. */
  url: string;
  key: string;
  /** Holds the file `slow` that workers heed. */
  rig: string;
  /** Are the clocks of one worker and one gateway an hour ahead? */
  wrongClocks: boolean;
  close(): Promise<void>;
}

const ENTRY = fileURLToPath(new URL("../../support/rigged-worker.ts", import.meta.url));
/** Few enough for another to take all that are left. */
const MAX_CONNECTIONS = 100;
/** Twice what the long form puts there. */
const DISK = { megabytes: 256, inodes: 100_000 };

export async function buildCity(options: { workers: number; gateways: number }): Promise<City> {
  const disk = await createSmallDisk(DISK);
  const [postgres, temporal] = await Promise.all([
    startOwnPostgres({ maxConnections: MAX_CONNECTIONS }),
    startOwnTemporal(),
  ]);
  const connection = await Connection.connect({ address: temporal.quiet });
  const database = await createDatabase({ url: postgres.quiet, pool: 10 });
  const { namespace, taskQueuePrefix } = temporal;
  const room = await createPublishing({
    ...(disk ? { storeFolder: join(disk.folder, "store") } : {}),
    database: { url: postgres.quiet, database, close: () => database.close() },
    temporal: {
      ...{ address: temporal.quiet, namespace, taskQueuePrefix },
      client: new Client({ connection, namespace }),
      close: () => connection.close(),
    },
  });
  const rig = await mkdtemp(join(tmpdir(), "platen-rig-"));
  const cache = await mkdtemp(join(tmpdir(), "platen-compiled-"));
  const ahead = oneHourAhead();
  const settings = {
    PLATEN_DATABASE_URL: postgres.url,
    PLATEN_TEMPORAL_ADDRESS: temporal.address,
    PLATEN_DATABASE_POOL: "8",
    NODE_COMPILE_CACHE: cache,
  };
  /** The first of each kind. */
  const clock = (index: number): Record<string, string> => (index === 0 && ahead ? ahead : {});
  const workers = Array.from({ length: options.workers }, (_, index) => {
    const rigged = { entry: ENTRY, args: [rig], preload: BAD_SECTORS, settings: { ...settings, ...clock(index) } };
    return keepPlace(
      () => startWorkerProcess(room, rigged),
      (worker) => worker.kill(),
    );
  });
  const ports: number[] = [];
  const gateways = Array.from({ length: options.gateways }, (_, index) =>
    keepPlace(
      async () => {
        const port = ports[index] ?? 0;
        const gateway = await startGatewayProcess(room, { port, settings: { ...settings, ...clock(index) } });
        ports[index] = gateway.port;
        return gateway;
      },
      (gateway) => gateway.end("SIGKILL"),
    ),
  );
  await Promise.all([...workers, ...gateways].map((place) => place.filled()));
  const balancer = await createBalancer(ports);
  const { tenant_id, principal } = room;
  const { key } = await createApiKey(database.em.fork(), { tenant_id, principal_id: principal.id, role: "admin" });
  return {
    ...{ room, postgres, temporal, disk, workers, gateways, key, rig },
    url: balancer.url,
    wrongClocks: ahead !== null,
    async close() {
      await Promise.all([...workers, ...gateways].map((place) => place.stop()));
      await balancer.close();
      await room.close();
      await Promise.all([postgres.close(), temporal.close()]);
      await disk?.close();
      for (const folder of [rig, cache]) await rm(folder, { recursive: true });
    },
  };
}
