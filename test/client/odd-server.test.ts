/** A server that the client meets only when something is badly wrong: its streams hold comments, and polls are sent away for an hour. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createPlatenClient, type WatchEvent } from "../../src/client/client.ts";
import { gather } from "./client-room.ts";

let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    if (!request.url?.endsWith("/stream")) return void response.writeHead(503, { "retry-after": "3600" }).end();
    response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    const timer = setInterval(() => response.write(": patience\n\n"), 50);
    response.on("close", () => clearInterval(timer));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server?.closeAllConnections();
  server?.close();
});

const lostBy =
  (by: "stream" | "poll") =>
  (event: WatchEvent): boolean =>
    event.type === "connection" && event.state === "lost" && event.by === by;

it("comments alone are no stream, and an hour's wait is cut to a minute", async () => {
  const stop = new AbortController();
  const client = createPlatenClient({ url, apiKey: "pk_viewer_any" });
  const watching = gather(client.watchJob("job_1", { firstFrameMs: 400, pollMs: 100, signal: stop.signal }));
  expect(await watching.sees("a poll", lostBy("poll"))).toMatchObject({
    ...{ cause: { status: 503, retryAfterMs: 3_600_000 }, retryInMs: 60_000 },
  });
  expect(await watching.sees("a stream", lostBy("stream"))).toMatchObject({ cause: { code: "timed_out" } });
  stop.abort();
  await watching.ended;
});
