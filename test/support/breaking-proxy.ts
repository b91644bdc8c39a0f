/** A TCP proxy in front of a server of the test's own: keeps its address while it is away, and breaks single connections. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface BreakingProxy {
  port: number;
  /** Takes connections and passes them on to `port`. */
  open(port: number): Promise<void>;
  /** Refuses connections, and breaks those that are there. */
  shut(): Promise<void>;
  /**
   * Breaks the connection that the server sees coming from `port`, on the client's side only: what the server was sent it goes on
   * with, and its answer reaches nobody.
   */
  loseAnswers(port: number): void;
  /** Keeps what servers answer to itself for so long, in ms; then it comes. */
  holdAnswers(ms: number): void;
}

export async function createBreakingProxy(): Promise<BreakingProxy> {
  let target = 0;
  const connections = new Set<{ client: Socket; server: Socket }>();
  const proxy = createServer({ allowHalfOpen: true }, (client) => {
    const server = connect(target, "127.0.0.1");
    const pair = { client, server };
    connections.add(pair);
    client.pipe(server, { end: false });
    server.pipe(client);
    server.on("error", () => undefined);
    server.on("close", () => {
      client.destroy();
      connections.delete(pair);
    });
    client.on("error", () => undefined).on("end", () => server.end());
  });
  const listen = async (port: number): Promise<void> => {
    proxy.listen(port, "127.0.0.1");
    await once(proxy, "listening");
  };
  await listen(0);
  const { port } = proxy.address() as AddressInfo;
  return {
    port,
    async open(to) {
      target = to;
      if (!proxy.listening) await listen(port);
    },
    async shut() {
      if (!proxy.listening) return;
      const closed = once(proxy, "close");
      proxy.close();
      for (const { client, server } of connections) {
        client.destroy();
        server.destroy();
      }
      await closed;
    },
    loseAnswers(from) {
      const pair = [...connections].find(({ server }) => server.localPort === from);
      if (!pair) throw new Error(`no connection from port ${from}`);
      pair.server.unpipe(pair.client);
      pair.server.resume();
      pair.client.destroy();
    },
    holdAnswers(ms) {
      const held = [...connections];
      for (const { client, server } of held) {
        server.unpipe(client);
        server.pause();
      }
      setTimeout(() => held.forEach(({ client, server }) => server.pipe(client)), ms);
    },
  };
}
