/** Paths, queries and headers that name nothing: every route answers with a problem, and changes nothing. */
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createLog } from "../../src/log.ts";
import { stateOf } from "../support/state-of.ts";
import { makeExisting, nameOf, pathOf, readingRoutes, routes, type Existing } from "./every-route.ts";
import { sendRaw, startGatewayRoom, type GatewayRoom } from "./gateway-room.ts";

let room: GatewayRoom;
let existing: Existing;
let group: string;
let before: Record<string, string>;
let logged = "";
beforeAll(async () => {
  const log = createLog("test", "error", { write: (part) => void (logged += part) });
  room = await startGatewayRoom({ log });
  existing = await makeExisting(room);
  group = await groupOf();
  before = await stateOf(room.database, room.storeFolder);
});
afterAll(() => room?.close());
afterEach(async () => {
  expect(await stateOf(room.database, room.storeFolder)).toEqual(before);
  expect(logged).toBe("");
});

/** As it is: fetch would put `..` and `%2e%2e` together before it sends them. */
async function raw(head: string): Promise<{ status: number; answer: string }> {
  const { hostname, port } = new URL(room.url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.write(`${head}\r\n\r\n`);
  const answer = await text(socket);
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]), answer };
}
const get = (method: string, path: string) =>
  raw(`${method} ${path} HTTP/1.1\r\nHost: platen\r\nAuthorization: Bearer ${room.keys.admin}\r\nConnection: close`);

const SEGMENTS = [
  ...[
    "%00",
    "a%00b",
    "%",
    "%zz",
    "%ff",
    "%c0%ae%c0%ae",
    "%ed%a0%80",
    "%u0041",
    "%2e%2e",
    "..",
    ".",
    "%2e%2e%2f%2e%2e%2fetc",
  ],
  ...[
    "a%2Fb",
    "%2F",
    "a%5Cb",
    "%5C..%5C..",
    "%0d%0aX-Evil:%201",
    "%1b%5B31m",
    "%E2%80%AE",
    "%F0%9F%98%80",
    "~",
    ";",
    "*",
    "'--",
  ],
  ...["__proto__", "constructor", "0", "-1", "1e9", "9".repeat(40), "x".repeat(300), "%41".repeat(2_000)],
];

const withParameters = routes.filter(({ path }) => path.includes(":"));
describe.each(withParameters.map((route) => [nameOf(route), route] as const))("%s", (_, route) => {
  it("answers strange segments of its path with a problem", { timeout: 60_000 }, async () => {
    for (const [, parameter] of route.path.matchAll(/:(\w+)/g)) {
      for (const segment of SEGMENTS) {
        const path = pathOf(route, { ...existing, [parameter!]: segment });
        const { status, answer } = await get(route.method.toUpperCase(), path);
        expect(status, `${path.slice(0, 200)}\n${answer}`).toBeGreaterThanOrEqual(400);
        expect(status, `${path.slice(0, 200)}\n${answer}`).toBeLessThan(500);
        expect(answer).toContain("Content-Type: application/problem+json");
        expect(answer).not.toMatch(/^X-Evil/im);
        for (const obeyed of ["\u0000", "\u001b"]) expect(answer).not.toContain(obeyed);
        expect(answer.length).toBeLessThan(30_000);
      }
    }
  });
});

const QUERIES = [
  ...[
    "limit=1&limit=2",
    "limit=-1",
    "limit=0",
    "limit=99999999999",
    "limit=NaN",
    "after=-1",
    "cursor=%00",
    "project=%00",
  ],
  ...[
    "%00=1",
    "__proto__=1",
    "__proto__[x]=1",
    "constructor=1",
    "a[]=1",
    "a.b=1",
    "%zz",
    "%ff=%ff",
    "=",
    "&&&",
    "?",
    "limit",
  ],
  ...[
    "a=1&".repeat(2_000),
    `x=${"y".repeat(8_000)}`,
    "manifest=2",
    "manifest=1&manifest=1",
    "status=,",
    "status=queued,",
  ],
  "last_event_id=-1&last_event_id=x",
];

// Delivery takes any query, and is not there; a stream with a query that it takes has no end.
const asked = readingRoutes.filter(({ method, path }) => method === "get" && !/stream$|events$/.test(path));
describe.each(asked.map((route) => [nameOf(route), route] as const))("%s", (_, route) => {
  it("answers strange queries with a problem, or as if they were not there", { timeout: 60_000 }, async () => {
    for (const query of QUERIES) {
      const { status, answer } = await get("GET", `${pathOf(route, existing)}?${query}`);
      expect([200, 400, 404, 426], `${query.slice(0, 100)}\n${answer}`).toContain(status);
      if (status !== 200) expect(answer).toContain("Content-Type: application/problem+json");
    }
  });
});

async function groupOf(): Promise<string> {
  const members = [{ key: "only", type: "maintenance", payload: { dry_run: true } }];
  return (await room.call("POST", "/groups", { body: { members } })).body.id;
}

const CURSORS = ["-1", "0x1", "1e3", "1.5", "9".repeat(400), "\u00ff", "'; drop table jobs --", " ", ",", "null"];
const streams = readingRoutes.filter(({ path }) => /stream$|events$/.test(path));
it.each(streams.map((route) => [nameOf(route), route] as const))(
  "%s begins anew for a cursor that it never gave",
  async (_, route) => {
    const path = pathOf(route, route.path.startsWith("/groups/") ? { ...existing, id: group } : existing);
    const key = `Authorization: Bearer ${room.keys.admin}`;
    const asked = CURSORS.flatMap((cursor) => [
      sendRaw(room.url, [`GET ${path} HTTP/1.1`, key, `Last-Event-ID: ${cursor}`]),
      sendRaw(room.url, [`GET ${path}?last_event_id=${encodeURIComponent(cursor)} HTTP/1.1`, key]),
    ]);
    for (const raw of asked) {
      await raw.holds("\r\n\r\n");
      expect(raw.text()).toMatch(/^HTTP\/1\.1 (200|400) /);
      if (raw.text().startsWith("HTTP/1.1 200")) await raw.holds('"status":"queued"');
      raw.socket.destroy();
    }
  },
);

const HOST = "Host: platen\r\nConnection: close";
it.each([
  ["a length below zero", `POST /jobs HTTP/1.1\r\n${HOST}\r\nContent-Length: -1`, 400],
  ["a length that is no number", `POST /jobs HTTP/1.1\r\n${HOST}\r\nContent-Length: 1e3`, 400],
  ["a length in hex", `POST /jobs HTTP/1.1\r\n${HOST}\r\nContent-Length: 0x10`, 400],
  ["a length beyond all numbers", `POST /jobs HTTP/1.1\r\n${HOST}\r\nContent-Length: ${"9".repeat(40)}`, 400],
  ["a length and chunks", `POST /jobs HTTP/1.1\r\n${HOST}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked`, 400],
  ["an unknown transfer", `POST /jobs HTTP/1.1\r\n${HOST}\r\nTransfer-Encoding: gzip`, 400],
  ["chunks in chunks", `POST /jobs HTTP/1.1\r\n${HOST}\r\nTransfer-Encoding: chunked, chunked`, 400],
  ["a NUL in a header", `GET /healthz HTTP/1.1\r\n${HOST}\r\nX-A: a\0b`, 400],
  ["a header that is folded", `GET /healthz HTTP/1.1\r\n${HOST}\r\nX-A: a\r\n b`, 400],
  ["a space before the colon", `GET /healthz HTTP/1.1\r\n${HOST}\r\nX-A : a`, 400],
  ["a lone line end", `GET /healthz HTTP/1.1\nHost: platen\n`, 400],
  ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM", 400],
  ["HTTP/9.9", `GET /healthz HTTP/9.9\r\n${HOST}`, 400],
  ["TLS", "\x16\x03\x01\x02\x00\x01\x00", 400],
  ["no path", `GET  HTTP/1.1\r\n${HOST}`, 400],
  ["a path without a slash", `GET healthz HTTP/1.1\r\n${HOST}`, 400],
  ["a path with a raw space", `GET /health z HTTP/1.1\r\n${HOST}`, 400],
  ["OPTIONS of everything", `OPTIONS * HTTP/1.1\r\n${HOST}`, 404],
  ["a method that no route has", `PATCH /jobs HTTP/1.1\r\n${HOST}`, 405],
  ["TRACE", `TRACE /jobs HTTP/1.1\r\n${HOST}`, 405],
  ["another host's path", `GET http://elsewhere.example/nowhere HTTP/1.1\r\n${HOST}`, 404],
  ["two slashes", `GET //healthz HTTP/1.1\r\n${HOST}`, 404],
  ["a fragment", `GET /nowhere#x HTTP/1.1\r\n${HOST}`, 404],
  ["an upgrade", `GET /jobs HTTP/1.1\r\nHost: platen\r\nConnection: Upgrade, close\r\nUpgrade: websocket`, 401],
  ["a key in two headers", `GET /jobs HTTP/1.1\r\n${HOST}\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b`, 401],
  ["10,000 headers", `GET /nowhere HTTP/1.1\r\n${HOST}\r\n${"a:b\r\n".repeat(10_000)}`, 431],
])("%s is answered with a problem", async (_, head, wanted) => {
  const { status, answer } = await raw(head);
  expect([status, /"status":(\d+)/.exec(answer)?.[1]], answer).toEqual([wanted, String(wanted)]);
});

it("a proxy's CONNECT is not served", async () => {
  const { answer } = await raw(`CONNECT elsewhere.example:443 HTTP/1.1\r\n${HOST}`);
  expect(answer).not.toMatch(/^HTTP\/1\.1 [25]/);
});
