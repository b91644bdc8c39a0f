/** What a client gets, and what the log says, when its request cannot be read or is refused before it has been sent. */
import { once } from "node:events";
import { Agent, createServer, request } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { query } from "../../src/db.ts";
import { refuseUnparsed } from "../../src/gateway/refuse-unparsed.ts";
import { createLog } from "../../src/log.ts";
import { sendRaw, startGatewayRoom, type GatewayRoom } from "./gateway-room.ts";

let room: GatewayRoom;
let logged = "";
beforeAll(async () => {
  const log = createLog("test", "trace", { write: (part) => void (logged += part) });
  room = await startGatewayRoom({ log, settings: { PLATEN_MAX_TILE_BYTES: "1048576" } });
});
beforeEach(() => {
  logged = "";
});
afterAll(() => room?.close());

const levels = (): number[] =>
  logged
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line).level);

/** The problem in a raw answer. */
function problemIn(text: string): Record<string, unknown> {
  expect(text).toContain("Content-Type: application/problem+json");
  return JSON.parse(text.slice(text.indexOf("\r\n\r\n") + 4));
}

describe("what is no HTTP", () => {
  const filler = "x".repeat(20_000);
  it.each([
    ["a wrong method", ["FETCH /jobs HTTP/1.1"], 400, "malformed_request"],
    ["a header without a name", ["GET /jobs HTTP/1.1", ": nothing"], 400, "malformed_request"],
    ["two lengths", ["POST /jobs HTTP/1.1", "Content-Length: 1", "Content-Length: 2"], 400, "malformed_request"],
    ["a long header", ["GET /jobs HTTP/1.1", `Cookie: ${filler}`], 431, "headers_too_large"],
    ["a long path", [`GET /jobs?cursor=${filler} HTTP/1.1`], 431, "headers_too_large"],
    ["an unknown expectation", ["POST /jobs HTTP/1.1", "Expect: 200-ok"], 417, "expectation_failed"],
  ])("%s is a problem with a code, and the connection ends", async (_, head, status, code) => {
    const answer = await sendRaw(room.url, head).ended();
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain("Connection: close");
    expect(problemIn(answer)).toMatchObject({
      status,
      code,
      request_id: expect.any(String),
      action: expect.any(String),
    });
    expect(Math.max(...levels())).toBeLessThan(50);
  });

  it("a request without a Host is a problem too", async () => {
    const { hostname, port } = new URL(room.url);
    const socket = connect(Number(port), hostname);
    socket.end("GET /healthz HTTP/1.1\r\n\r\n");
    expect(problemIn(await text(socket))).toMatchObject({ status: 400, code: "malformed_request" });
  });

  it("headers that do not end are waited for, but not for ever", async () => {
    const server = createServer({ headersTimeout: 100, connectionsCheckingInterval: 20 });
    refuseUnparsed(server, createLog("test", "silent"));
    await once(server.listen(0, "127.0.0.1"), "listening");
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: platen\r\n");
    expect(problemIn(await text(socket))).toMatchObject({
      status: 408,
      code: "request_timeout",
      facts: { seconds: 0.1 },
    });
    server.close();
  });

  it("a broken chunk is the client's error, and its key is in no line of the log", async () => {
    const raw = sendRaw(room.url, [
      "POST /projects HTTP/1.1",
      `Authorization: Bearer ${room.keys.admin}`,
      "Content-Type: application/json",
      "Transfer-Encoding: chunked",
    ]);
    raw.socket.write("ZZ\r\n");
    const answer = await raw.ended();
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(problemIn(answer)).toMatchObject({ code: "malformed_request" });
    // Another request has been answered since: whatever the broken one made the gateway say has been said.
    await room.call("GET", "/healthz");
    expect(levels().filter((level) => level >= 50)).toEqual([]);
    expect(logged).not.toContain(room.keys.admin);
    expect(logged).not.toContain("rawPacket");
  });
});

it("a fault of our own is logged with its stack and the request's id, and the answer holds no more than that", async () => {
  const db = room.database.em.fork();
  await query(db, "alter table projects rename to elsewhere");
  const answer = await room.call("GET", "/projects", { headers: { "X-Request-Id": "mine-7" } });
  await query(db, "alter table elsewhere rename to projects");
  expect(answer.body).toMatchObject({ status: 500, code: "internal", request_id: "mine-7" });
  expect(JSON.stringify(answer.body)).not.toContain("does not exist");
  const line = JSON.parse(logged.split("\n").find((each) => each.includes("mine-7"))!);
  expect(line).toMatchObject({ level: 50, path: "/projects", error: { code: "42P01" } });
  expect(line.error.message).toContain("does not exist");
  expect(line.error.stack).toMatch(/project-store\.ts:\d+/);
  expect(logged).not.toContain(room.keys.admin);
});

describe("a refusal in the middle of an upload", () => {
  const draft = "/projects/refusals/versions/1";
  beforeAll(async () => {
    await room.call("POST", "/projects", { body: { slug: "refusals", name: "Refusals" } });
    await room.call("POST", "/projects/refusals/versions", { body: {} });
  });
  const upload = (agent: Agent, headers: Record<string, string | number>) =>
    request(`${room.url}${draft}/tiles/0/0_0.png`, {
      agent,
      method: "PUT",
      headers: { Authorization: `Bearer ${room.keys.admin}`, "Content-Type": "image/png", ...headers },
    });

  it.each([
    ["whose length is told", { "Content-Length": 19 * 2 ** 20 }, { limit: 2 ** 20, length: 19 * 2 ** 20 }],
    ["whose length is not told", { "Transfer-Encoding": "chunked" }, { limit: 2 ** 20 }],
  ])("%s reaches the client, and the next request on its connection is answered at once", async (_, headers, facts) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sent = upload(agent, headers);
    sent.end(Buffer.alloc(19 * 2 ** 20));
    const [answer] = await once(sent, "response");
    const problem = JSON.parse(await text(answer));
    expect(problem).toMatchObject({ status: 413, code: "body_too_large", facts });
    if ("length" in facts) expect(problem.detail).toContain("its Content-Length is 19922944");
    const begun = Date.now();
    const next = request(`${room.url}/healthz`, { agent }).end();
    const [healthy] = await once(next, "response");
    expect([healthy.statusCode, await text(healthy)]).toEqual([200, '{"status":"ok"}']);
    expect(Date.now() - begun).toBeLessThan(2_000);
    agent.destroy();
  });

  it("says that the connection ends where the body goes on, and ends it", async () => {
    const agent = new Agent({ keepAlive: true });
    const sent = upload(agent, { "Transfer-Encoding": "chunked" });
    sent.on("error", () => undefined);
    sent.write(Buffer.alloc(2 ** 20 + 1));
    const [answer] = await once(sent, "response");
    expect([answer.statusCode, answer.headers.connection]).toEqual([413, "close"]);
    // The answer is whole although the request is not.
    expect(JSON.parse(await text(answer))).toMatchObject({ code: "body_too_large" });
    if (!sent.socket!.closed) await once(sent.socket!, "close");
    agent.destroy();
  });

  it("of a compressed body is the same on every route", async () => {
    const agent = new Agent();
    const sent = upload(agent, { "Content-Length": 3, "Content-Encoding": "gzip" });
    sent.end("abc");
    const [answer] = await once(sent, "response");
    expect(JSON.parse(await text(answer))).toMatchObject({
      status: 415,
      code: "unsupported_media_type",
      detail: expect.stringContaining("encoded as gzip"),
    });
  });
});
