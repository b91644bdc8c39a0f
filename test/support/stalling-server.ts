/** A server whose file stops in the middle until it is let go: what was asked for then goes on, and what is asked for later comes at once. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export async function startStallingServer(begin: string, rest: string): Promise<{ url: string; letGo(): void }> {
  const waiting = new Set<ServerResponse>();
  let open = false;
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/csv", "content-length": Buffer.byteLength(begin + rest) });
    if (open) return void response.end(begin + rest);
    response.write(begin);
    waiting.add(response);
    response.once("close", () => waiting.delete(response));
  });
  server.unref();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/plots.csv`,
    letGo() {
      open = true;
      for (const response of waiting) response.end(rest);
    },
  };
}
