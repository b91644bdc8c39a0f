/** A port that spreads connections over several servers in turn, and goes on to the next when one takes none: a load balancer. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface Balancer {
  url: string;
  /** Connections made so far, by the server's port. */
  taken: ReadonlyMap<number, number>;
  add(port: number): void;
  close(): Promise<void>;
}

/** `ports`: of servers on this machine. A server that is gone stays in the list: it may come back. */
export async function createBalancer(ports: number[]): Promise<Balancer> {
  const targets = [...ports];
  const taken = new Map<number, number>();
  const open = new Set<Socket>();
  let turn = 0;
  const balancer = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    open.add(client);
    client.on("error", () => undefined).on("close", () => open.delete(client));
    const first = turn++;
    const attempt = (tried: number): void => {
      const port = targets[(first + tried) % targets.length];
      if (port === undefined || tried === targets.length) return void client.destroy();
      const server = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      const next = (): void => attempt(tried + 1);
      server.once("error", next);
      server.once("connect", () => {
        server.off("error", next).on("error", () => undefined);
        taken.set(port, (taken.get(port) ?? 0) + 1);
        join(client, server);
      });
    };
    attempt(0);
  });
  balancer.listen(0, "127.0.0.1");
  await once(balancer, "listening");
  return {
    url: `http://127.0.0.1:${(balancer.address() as AddressInfo).port}`,
    taken,
    add: (port) => void targets.push(port),
    async close() {
      const closed = once(balancer, "close");
      balancer.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

/** Passes on bytes and ends as they come; when either side breaks, so does the other. */
function join(client: Socket, server: Socket): void {
  client.pipe(server);
  server.pipe(client);
  client.once("close", () => server.destroy());
  server.once("close", () => client.destroy());
}
