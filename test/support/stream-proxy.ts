/** A real HTTP proxy that does to a job's stream what proxies do; every other request it passes on. */
import { once } from "node:events";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** How it treats what it is asked for. */
export type Treatment =
  | "pass"
  /** Takes the whole stream in before it passes anything on: buffering, as far as a watcher can tell. */
  | "buffer"
  /** Answers by itself instead: streams only, or everything. */
  | { status: number; headers?: Record<string, string>; body?: string; everything?: boolean };

export interface StreamProxy {
  url: string;
  /** For requests from now on. */
  treat(treatment: Treatment): void;
  /** Breaks the connections of all streams. */
  cut(): void;
  /** Lets streams that are there starve: their connections stay, and nothing comes any more. */
  freeze(): void;
  /** Requests for streams so far: the cursor of each, null without one. */
  cursors(): (string | null)[];
  /** What the server behind it answered to them, as soon as the first byte of the body is on its way to the client. */
  statuses(): number[];
  /** How often a job was asked for otherwise. */
  polls(): number;
  /** Connections that clients hold open. */
  connections(): number;
  close(): void;
}

/** In front of `target()`, which may change. */
export async function startStreamProxy(target: () => string): Promise<StreamProxy> {
  let treatment: Treatment = "pass";
  const streams = new Set<{ from: IncomingMessage; to: ServerResponse }>();
  const sockets = new Set<Socket>();
  const cursors: (string | null)[] = [];
  const statuses: number[] = [];
  let polls = 0;
  const server = createServer((incoming, outgoing) => {
    const isStream = incoming.url?.endsWith("/stream") ?? false;
    if (isStream) cursors.push((incoming.headers["last-event-id"] as string | undefined) ?? null);
    else polls += 1;
    const now = treatment;
    if (typeof now === "object" && (isStream || now.everything)) {
      outgoing.writeHead(now.status, now.headers).end(now.body);
      return;
    }
    const passed = request(target() + incoming.url, { method: incoming.method, headers: incoming.headers }, (from) => {
      const noteStatus = (): void => void statuses.push(from.statusCode ?? 0);
      if (isStream) from.once(from.statusCode === 204 ? "end" : "data", noteStatus);
      if (isStream && now === "buffer") return void from.resume();
      outgoing.writeHead(from.statusCode ?? 502, from.headers);
      outgoing.flushHeaders();
      const pair = { from, to: outgoing };
      if (isStream) streams.add(pair);
      from.pipe(outgoing).on("close", () => streams.delete(pair));
      from.on("aborted", () => outgoing.destroy());
    });
    passed.on("error", () => incoming.socket.destroy());
    outgoing.on("close", () => passed.destroy());
    incoming.pipe(passed);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    treat: (next) => (treatment = next),
    cut: () => streams.forEach(({ to }) => to.destroy()),
    freeze: () => streams.forEach(({ from, to }) => from.unpipe(to)),
    cursors: () => cursors,
    statuses: () => statuses,
    polls: () => polls,
    connections: () => sockets.size,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
