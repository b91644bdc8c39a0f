/** A whole installation of its own, each part a process: what an operator presses is pressed in it. */
import { createApiKey } from "../../../src/tenants/tenant-store.ts";
import type { TestDatabase } from "../database.ts";
import { startGatewayProcess, type GatewayProcess } from "../gateway-process.ts";
import type { startOwnTemporal } from "../own-servers.ts";
import { createRiggedRoom, type RiggedRoom } from "../rigged-room.ts";

export interface TruthRoom extends RiggedRoom {
  /** Of the gateway. */
  url: string;
  /** Of an admin. */
  key: string;
  /** The worker of the room's own queue; it runs when the room is made. */
  stopWorker(): Promise<void>;
  startWorker(): Promise<void>;
  /** May be crashed. */
  server: Awaited<ReturnType<typeof startOwnTemporal>>;
}

/** Gateway and one worker run when it resolves. The servers are closed with it. */
export async function createTruthRoom(servers: {
  temporal: TruthRoom["server"];
  database?: TestDatabase;
}): Promise<TruthRoom> {
  const room = await createRiggedRoom(servers);
  const { tenant_id, id: principal_id } = room.principal;
  let gateway: GatewayProcess | undefined;
  const close = async (): Promise<void> => {
    await gateway?.end("SIGTERM");
    await room.close();
  };
  try {
    const { key } = await createApiKey(room.database.em.fork(), { tenant_id, principal_id, role: "admin" });
    gateway = await startGatewayProcess(room);
    const startWorker = () => room.worker(room.config.PLATEN_TASK_QUEUE_PREFIX, { concurrency: 300 });
    let worker = await startWorker();
    return {
      ...{ ...room, url: gateway.url, key, server: servers.temporal, close },
      async stopWorker() {
        await worker.stop();
      },
      async startWorker() {
        worker = await startWorker();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
