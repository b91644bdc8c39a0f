/** A real server on loopback that serves files in every wrong way. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

export interface FileServer {
  /** `http://127.0.0.1:{port}` */
  url: string;
  port: number;
  /** What it was asked, e.g. `GET /plots.csv`, with a range behind it. */
  asked: string[];
  /** Headers of what it was asked last. */
  headers(): IncomingMessage["headers"];
  close(): Promise<void>;
}

export async function startFileServer(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<FileServer> {
  const asked: string[] = [];
  let last: IncomingMessage["headers"] = {};
  const server = createServer((request, response) => {
    const { range } = request.headers;
    asked.push(`${request.method} ${request.url}${range === undefined ? "" : ` ${range}`}`);
    last = request.headers;
    // A client that goes away while it is written to.
    response.on("error", () => undefined);
    answer(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    ...{ url: `http://127.0.0.1:${port}`, port, asked },
    headers: () => last,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
