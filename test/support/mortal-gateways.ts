/** Gateways behind one port that are killed one by one, and started again at once where they were, as an orchestrator does. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBalancer } from "./balancer.ts";
import { startGatewayProcess, type GatewayProcess } from "./gateway-process.ts";
import type { Publishing } from "./publishing.ts";

export interface MortalGateways {
  /** Of all of them. */
  url: string;
  /** Kills the one that has listened longest, if it is not the only one. Resolves with true when it is gone. */
  killOldest(): Promise<boolean>;
  stop(): Promise<void>;
}

/** The port of one that is down may have been given to somebody's connection for a moment. */
const TAKEN = "EADDRINUSE";

export async function startMortalGateways(
  room: Publishing,
  options: { count: number; settings?: Record<string, string> },
): Promise<MortalGateways> {
  // Half of a start is compiling, and on two cores they do little else than start.
  const cache = await mkdtemp(join(tmpdir(), "platen-compiled-"));
  const settings = { NODE_COMPILE_CACHE: cache, ...options.settings };
  const listening: GatewayProcess[] = [];
  const stopped = new AbortController();
  const { signal } = stopped;

  /** One place, whoever is in it. `port`: 0 until the first has found one. Resolves when the drill is over. */
  async function keep(port: number, found: (port: number) => void): Promise<void> {
    while (!signal.aborted) {
      const gateway = await startGatewayProcess(room, { port, settings, signal }).catch((error: unknown) => {
        if (!signal.aborted && !String(error).includes(TAKEN)) throw error;
        return null;
      });
      if (!gateway) continue;
      found((port = gateway.port));
      listening.push(gateway);
      const code = await gateway.ended;
      if (listening.includes(gateway)) listening.splice(listening.indexOf(gateway), 1);
      if (code !== null) throw new Error(`a gateway ended by itself:\n${gateway.log()}`);
    }
  }

  const places = Array.from({ length: options.count }, () => {
    const found = Promise.withResolvers<number>();
    const kept = keep(0, found.resolve);
    kept.catch(found.reject);
    return { port: found.promise, kept };
  });
  const ports = await Promise.all(places.map(({ port }) => port)).catch((error: unknown) => {
    stopped.abort();
    throw error;
  });
  const balancer = await createBalancer(ports);
  return {
    url: balancer.url,
    async killOldest() {
      const oldest = listening.length > 1 ? listening.shift() : undefined;
      await oldest?.end("SIGKILL");
      return oldest !== undefined;
    },
    async stop() {
      stopped.abort();
      await balancer.close();
      await Promise.all(places.map(({ kept }) => kept));
      await rm(cache, { recursive: true });
    },
  };
}
