/**
 * A TCP proxy in front of a server of the test's own: keeps its address while it is away, breaks single connections, and does to the
 * others what networks do. It knows no protocol, so it stands before PostgreSQL and Temporal's gRPC alike.
 *
 *   open ──shut──► refuses ──open──► open          what is begun by `delay`, `swallow` and `loseAnswersTo` lasts until its end is called
 */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { createFlow, type Direction, type Fate, type Flow } from "./proxy-flow.ts";

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
  /**
   * From now on does so to every connection on which the client sends bytes that hold `text`: `commit`, for PostgreSQL. They are passed
   * on, so the server does as it was told. Answers how to end it, and that how many were lost.
   */
  loseAnswersTo(text: string): () => number;
  /** Slow: every piece takes `ms`, and up to `jitterMs` more by chance; their order stays. Both ways by default. */
  delay(how: { ms: number; jitterMs?: number; direction?: Direction }): () => void;
  /**
   * A black hole: connections are taken, and nothing comes out again. At the end connections that have lost something by it are reset,
   * or, with `late`, get it all after all, as from a network that had only stood still.
   */
  swallow(how?: { direction?: Direction; late?: boolean }): () => void;
  /** Resets every connection that is there. Answers how many. */
  reset(): number;
  /** Each connection's next piece from the server is passed on by half, then the connection is reset. Ends when `count` have been. */
  halve(count: number): void;
}

interface Pair {
  client: Socket;
  server: Socket;
  up: Flow;
  down: Flow;
}

/** `random`: 0 to 1; of the jitter. */
export async function createBreakingProxy({ random = Math.random } = {}): Promise<BreakingProxy> {
  let target = 0;
  const pairs = new Set<Pair>();
  const fates = new Set<Fate>();
  let halves = 0;
  const marks = new Map<string, number>();

  const proxy = createServer({ allowHalfOpen: true }, (client) => {
    const server = connect(target, "127.0.0.1");
    const both = { fates, random, reset: () => reset(pair) };
    const up = createFlow(client, server, { ...both, direction: "up", passed: (bytes) => sent(pair, bytes) });
    const down = createFlow(server, client, { ...both, direction: "down", take: (bytes) => halve(pair, bytes) });
    const pair: Pair = { client, server, up, down };
    pairs.add(pair);
    server.on("error", () => undefined);
    client.on("error", () => undefined);
    server.on("close", () => {
      // What is still on its way arrives first.
      void down.drained().then(() => client.destroy());
      pairs.delete(pair);
    });
    client.on("end", () => void up.drained().then(() => server.end()));
    client.on("close", () => void up.drained().then(() => server.end()));
  });

  function reset(pair: Pair): void {
    pair.client.resetAndDestroy();
    pair.server.resetAndDestroy();
    pairs.delete(pair);
  }
  function loseAnswers({ client, down }: Pair): void {
    down.drop();
    client.destroy();
  }
  function sent(pair: Pair, bytes: Buffer): void {
    for (const [text, count] of marks) {
      if (!bytes.includes(text)) continue;
      marks.set(text, count + 1);
      loseAnswers(pair);
    }
  }
  /** Answers what is to be passed on. */
  function halve(pair: Pair, bytes: Buffer): Buffer {
    if (halves === 0) return bytes;
    halves -= 1;
    // Written before it is reset: the half must arrive.
    pair.client.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => reset(pair));
    pair.down.drop();
    return Buffer.alloc(0);
  }
  function begin(fate: Fate): () => void {
    fates.add(fate);
    return () => {
      if (!fates.delete(fate)) return;
      for (const pair of pairs) for (const flow of [pair.up, pair.down]) flow.relieve(fate);
    };
  }
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
      for (const { client, server } of pairs) {
        client.destroy();
        server.destroy();
      }
      await closed;
    },
    loseAnswers(from) {
      const pair = [...pairs].find(({ server }) => server.localPort === from);
      if (!pair) throw new Error(`no connection from port ${from}`);
      loseAnswers(pair);
    },
    loseAnswersTo(text) {
      marks.set(text, 0);
      return () => {
        const lost = marks.get(text) ?? 0;
        marks.delete(text);
        return lost;
      };
    },
    delay: ({ ms, jitterMs = 0, direction = "both" }) => begin({ kind: "delay", ms, jitterMs, direction }),
    swallow: ({ direction = "both", late = false } = {}) => begin({ kind: "swallow", direction, late }),
    reset() {
      const count = pairs.size;
      for (const pair of pairs) reset(pair);
      return count;
    },
    halve: (count) => void (halves = count),
  };
}
