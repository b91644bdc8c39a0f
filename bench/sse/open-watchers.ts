/**
 * Many watchers in one process: plain sockets, one request each that is written beforehand, one buffer that all of them read into.
 * A client that takes more time than the servers would measure itself.
 */
import { connect, type Socket } from "node:net";

/** One stream to watch, as often as `paths` has entries. */
export interface Target {
  port: number;
  /** One watcher each. */
  paths: string[];
  headers?: Record<string, string>;
}

export interface WatcherReader {
  /** Bytes that a watcher has received. They are another's the next time. */
  read(watcher: number, bytes: Buffer): void;
  /** Does it follow the stream by now? */
  isReady(watcher: number): boolean;
}

const AT_A_TIME = 64;
/** For each to become ready, a gateway under load included. */
const READY_MS = 20_000;

export interface Watchers {
  /** How many were cut off by the server, by now. */
  cutOff(): number;
  leave(): void;
}

/** Resolves when all are ready. */
export async function openWatchers(target: Target, reader: WatcherReader): Promise<Watchers> {
  const buffer = Buffer.allocUnsafe(65_536);
  const sockets = new Set<Socket>();
  let left = false;
  let cutOff = 0;

  function open(watcher: number, path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      let ready = false;
      const late = setTimeout(() => reject(new Error(`watcher ${watcher} has seen no stream of ${path}`)), READY_MS);
      const socket = connect({
        ...{ host: "127.0.0.1", port: target.port, noDelay: true },
        onread: {
          buffer,
          callback(length) {
            reader.read(watcher, buffer.subarray(0, length));
            if (!ready && reader.isReady(watcher)) {
              ready = true;
              clearTimeout(late);
              resolve();
            }
            return true;
          },
        },
      });
      sockets.add(socket);
      socket.once("connect", () => socket.write(request(path, target)));
      socket.once("error", (error) => reject(new Error(`watcher ${watcher}: ${error.message}`)));
      socket.once("close", () => {
        sockets.delete(socket);
        if (!left) cutOff += 1;
        reject(new Error(`watcher ${watcher} was cut off`));
      });
    });
  }

  const waiting = target.paths.entries();
  await Promise.all(
    Array.from({ length: AT_A_TIME }, async () => {
      for (const [watcher, path] of waiting) await open(watcher, path);
    }),
  );
  return {
    cutOff: () => cutOff,
    leave() {
      left = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}

function request(path: string, { port, headers }: Target): string {
  const lines = Object.entries({ Host: `127.0.0.1:${port}`, Accept: "text/event-stream", ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return `GET ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
}
