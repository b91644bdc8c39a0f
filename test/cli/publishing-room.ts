/** A whole gateway on real PostgreSQL and Temporal, with an admin's key, for the command line to speak to. */
import { startGateway, type Gateway } from "../../src/gateway/serve.ts";
import { createApiKey } from "../../src/tenants/tenant-store.ts";
import { createPublishing, type Publishing } from "../support/publishing.ts";
import { runPlaten, type Ran, type RunOptions } from "./run-platen.ts";

export interface CliRoom extends Publishing {
  url: string;
  /** An admin's. */
  key: string;
  platen(args: string[], options?: RunOptions): Promise<Ran>;
  /** Stops the gateway, and starts another one at the same address. */
  restartGateway(): Promise<void>;
}

export async function createCliRoom(settings: Partial<Publishing["config"]> = {}): Promise<CliRoom> {
  const room = await createPublishing();
  const { key } = await createApiKey(room.database.em.fork(), {
    tenant_id: room.tenant_id,
    principal_id: room.principal.id,
    role: "admin",
  });
  const start = (port: number): Promise<Gateway> =>
    startGateway({
      config: { ...room.config, ...settings, PLATEN_GATEWAY_PORT: port },
      database: room.database,
      stores: room.stores,
      executions: room.executions,
      log: room.deps.log,
    });
  let gateway = await start(0);
  const { url } = gateway;
  return {
    ...room,
    url,
    key,
    platen: (args, options = {}) =>
      runPlaten(args, { ...options, env: { PLATEN_SERVER: url, PLATEN_API_KEY: key, ...options.env } }),
    async restartGateway() {
      await gateway.close();
      gateway = await start(Number(new URL(url).port));
    },
    async close() {
      await gateway.close();
      await room.close();
    },
  };
}
