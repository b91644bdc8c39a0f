/** A line that carries 20 kB a second towards the client, in small pieces, as mobile networks do at their worst. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { setTimeout as pause } from "node:timers/promises";

export interface SlowLine {
  url: string;
  close(): void;
}

const PIECE = 1_000;
const PAUSE_MS = 50;

/** `streams: "kept back"`: nothing of their answers comes through. */
export async function startSlowLine(target: string, streams: "carried" | "kept back"): Promise<SlowLine> {
  const closing = new AbortController();
  const server = createServer((client) => {
    const far = connect(Number(new URL(target).port), "127.0.0.1");
    let keptBack = false;
    client.on("data", (bytes: Buffer) => {
      keptBack = streams === "kept back" && bytes.includes("/stream HTTP/1.1");
    });
    const slowly = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const bytes of source) {
        for (let at = 0; at < bytes.length && !keptBack; at += PIECE) {
          yield bytes.subarray(at, at + PIECE);
          await pause(PAUSE_MS);
        }
      }
    };
    client.on("error", () => undefined).on("close", () => far.destroy());
    client.pipe(far);
    // Rejects when the client hangs up.
    pipeline(far, slowly, client, { signal: closing.signal }).catch(() => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      closing.abort();
      server.close();
    },
  };
}
