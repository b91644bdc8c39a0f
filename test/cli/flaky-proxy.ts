/** A real proxy that loses connections: what a mobile network does to an upload. */
import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

export interface FlakyProxy {
  url: string;
  /** How many requests lost their connection. */
  lost(): number;
  close(): void;
}

/**
 * Cuts the first request to each path that matches `cut`: before it is passed on, or after, so that only its answer is lost, or says
 * that it came too slowly.
 */
export async function startFlakyProxy(target: string, cut: RegExp): Promise<FlakyProxy> {
  const seen = new Set<string>();
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? "/";
    const lose = cut.test(path) && !seen.has(path);
    if (lose) seen.add(path);
    if (lose && seen.size % 3 === 0) return void incoming.resume().on("end", () => outgoing.writeHead(408).end());
    if (lose && seen.size % 2 === 0) return void incoming.socket.destroy();
    const passed = request(target + path, { method: incoming.method, headers: incoming.headers }, (answer) => {
      if (lose) return void incoming.socket.destroy();
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on("error", () => incoming.socket.destroy());
    incoming.pipe(passed);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lost: () => seen.size,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
