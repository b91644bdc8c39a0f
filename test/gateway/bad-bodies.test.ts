/** Bodies that no route can use: each is a client's error with a code, a place and a value, and changes nothing. */
import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createLog } from "../../src/log.ts";
import { heldBack, stateOf } from "../support/state-of.ts";
import {
  jsonRoutes,
  makeExisting,
  nameOf,
  parsingRoutes,
  pathOf,
  streamRoutes,
  typeOf,
  type Existing,
} from "./every-route.ts";
import { startGatewayRoom, type Answer, type GatewayRoom } from "./gateway-room.ts";

const LIMIT = 1_048_576;

let room: GatewayRoom;
let existing: Existing;
let before: Record<string, string>;
let logged = "";
beforeAll(async () => {
  const log = createLog("test", "error", { write: (part) => void (logged += part) });
  room = await startGatewayRoom({ log, settings: { PLATEN_MAX_JSON_BYTES: String(LIMIT) } });
  existing = await makeExisting(room);
  before = await stateOf(room.database, room.storeFolder);
});
afterAll(() => room?.close());
afterEach(async () => {
  expect(await stateOf(room.database, room.storeFolder)).toEqual(before);
  expect(await heldBack(room.database, room.storeFolder)).toEqual([]);
  expect(logged).toBe("");
});

async function send(path: string, method: string, body: string | Uint8Array, headers = {}): Promise<Answer> {
  const response = await fetch(room.url + path, {
    method,
    headers: { Authorization: `Bearer ${room.keys.admin}`, "Content-Type": "application/json", ...headers },
    body: body as string,
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

const utf16 = (text: string, bom: boolean) => Buffer.from(`${bom ? "\uFEFF" : ""}${text}`, "utf16le");
const around = (bytes: number[]) => Buffer.concat([Buffer.from('{"type": "'), Buffer.from(bytes), Buffer.from('"}')]);
const levels = (count: number) => `${"[".repeat(count)}${"]".repeat(count)}`;

type Row = [name: string, body: string | Uint8Array, status: number, code: string, says: RegExp, headers?: object];

const JSON_ROWS: Row[] = [
  ["100,000 levels", levels(100_000), 400, "invalid_request", /nested deeper than 100 levels/],
  [
    "100,000 objects that break off",
    '{"a":'.repeat(100_000),
    400,
    "malformed_json",
    /ends too early, at line 1, column 500001/,
  ],
  ["a name twice", '{"a": 1,\n "a": 2}', 400, "malformed_json", /the name "a" is there twice .* line 2, column 2/],
  ["a name twice, escaped", '{"x":{"a":1,"\\u0061":2}}', 400, "malformed_json", /name "\\u0061" is there twice/],
  ["a number beyond 2^53", '{"n": 9007199254740993}', 400, "malformed_json", /9007199254740993 .* 9007199254740992/],
  ["a number that is infinite", '{"n": 1e400}', 400, "invalid_request", /the number at "\/n" is too large/],
  ["NaN", '{"n": NaN}', 400, "malformed_json", /unexpected "N" at line 1, column 7/],
  ["Infinity", '{"n": -Infinity}', 400, "malformed_json", /unexpected ".*" at line 1, column/],
  ["__proto__", '{"__proto__": {"polluted": true}}', 400, "invalid_request", /member called __proto__/],
  [
    "__proto__ inside",
    '[{"x": {"__proto__": null}}]',
    400,
    "invalid_request",
    /at "\/0\/x" has a member called __proto__/,
  ],
  ["half a surrogate pair", '{"n": "\\ud800"}', 400, "invalid_request", /text at "\/n" holds half a surrogate pair/],
  ["a name of half a pair", '{"\\udc00": 1}', 400, "invalid_request", /half a surrogate pair/],
  ["an escaped NUL", '{"n": ["a\\u0000b"]}', 400, "invalid_request", /text at "\/n\/0" holds a NUL/],
  ["a raw NUL", '{"n": "a\0b"}', 400, "malformed_json", /unexpected "\\u0000" at line 1, column 9/],
  ["bytes that are no UTF-8", around([0xff, 0xfe]), 400, "malformed_json", /not valid UTF-8/],
  ["an overlong slash", around([0xc0, 0xaf]), 400, "malformed_json", /not valid UTF-8/],
  ["a surrogate as bytes", around([0xed, 0xa0, 0x80]), 400, "malformed_json", /not valid UTF-8/],
  ["Latin-1", Buffer.from('{"name": "Gräben"}', "latin1"), 400, "malformed_json", /not valid UTF-8/],
  ["UTF-16 with a mark", utf16("{}", true), 400, "malformed_json", /not valid UTF-8/],
  ["UTF-16 without one", utf16("{}", false), 400, "malformed_json", /unexpected "\\u0000" at line 1, column 2/],
  ["two byte order marks", "\uFEFF\uFEFF{}", 400, "malformed_json", /line 1, column 1/],
  ["half an object", '{"type": "pub', 400, "malformed_json", /ends too early/],
  ["nothing but white space", " \n ", 400, "malformed_json", /ends too early, at line 2/],
  ["two values", "{} {}", 400, "malformed_json", /unexpected "\{" at line 1, column 4/],
  ["a comment", "{/**/}", 400, "malformed_json", /unexpected "\/" at line 1, column 2/],
  ["XML", "<a/>", 400, "malformed_json", /unexpected "<"/],
  ["text", '"text"', 400, "invalid_request", /the body: /],
  ["a number", "7", 400, "invalid_request", /the body: /],
  ["null", "null", 400, "invalid_request", /the body: /],
  ["text/plain", "{}", 415, "unsupported_media_type", /text\/plain.*application\/json/, type("text/plain")],
  ["a form", "a=b", 415, "unsupported_media_type", /x-www-form/, type("application/x-www-form-urlencoded")],
  ["two types", "{}", 415, "unsupported_media_type", /text\/html/, type("application/json, text/html")],
  ["no type", "{}", 415, "unsupported_media_type", /without Content-Type/, type("")],
  ["UTF-16 by its type", "{}", 415, "unsupported_media_type", /utf-16/, type("application/json; charset=utf-16")],
  ["Latin-1 by its type", "{}", 415, "unsupported_media_type", /latin1/, type('application/json;charset="latin1"')],
  ["gzip", gzipSync("{}"), 415, "unsupported_media_type", /encoded as gzip/, encoded("gzip")],
  ["a bomb", gzipSync(Buffer.alloc(50_000_000, 32)), 415, "unsupported_media_type", /encoded as gzip/, encoded("gzip")],
  ["brotli", brotliCompressSync("{}"), 415, "unsupported_media_type", /encoded as br/, encoded("br")],
  ["gzip in gzip", gzipSync("{}"), 415, "unsupported_media_type", /gzip, gzip/, encoded("gzip, gzip")],
  ["an unknown encoding", "{}", 415, "unsupported_media_type", /x-mine/, encoded("x-mine")],
  ["a byte too many", " ".repeat(LIMIT + 1), 413, "body_too_large", /1048576 bytes: its Content-Length is 1048577/],
];

function type(value: string): object {
  return { "Content-Type": value };
}
function encoded(value: string): object {
  return { "Content-Encoding": value };
}

function expectRefusal({ status, headers, body }: Answer, path: string, row: Row): void {
  const [, , wanted, code, says] = row;
  expect([status, headers.get("Content-Type")?.split(";")[0]]).toEqual([wanted, "application/problem+json"]);
  expect(body).toMatchObject({ status: wanted, code, instance: path, request_id: expect.any(String) });
  expect(body.detail).toMatch(says);
  expect(body.detail.endsWith(body.action)).toBe(true);
  expect(body.detail.length).toBeLessThan(1_000);
}

describe.each(jsonRoutes.map((route) => [nameOf(route), route] as const))("%s", (_, route) => {
  it.each(JSON_ROWS)("refuses %s", async (...row) => {
    const [, body, , , , headers = {}] = row;
    const path = pathOf(route, existing);
    expectRefusal(await send(path, route.method, body, headers), path, row);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});

it.each(jsonRoutes.map((route) => [nameOf(route), route] as const))(
  "%s reads no further than its limit where no length is told",
  async (_, route) => {
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(Buffer.alloc(65_536, " "));
      },
    });
    const response = await fetch(room.url + pathOf(route, existing), {
      method: route.method,
      headers: { Authorization: `Bearer ${room.keys.admin}`, "Content-Type": "application/json" },
      body: endless,
      duplex: "half",
    });
    expect(await response.json()).toMatchObject({ status: 413, code: "body_too_large", facts: { limit: LIMIT } });
    expect(sent).toBeGreaterThan(LIMIT);
  },
);

const STREAM_ROWS: Row[] = [
  ["nothing", "", 400, "", /empty|not complete|root element/],
  ["bytes that are nothing", Buffer.from([0, 0xff, 0, 0xfe]), 400, "", /./],
  ["an HTML page", "<!doctype html><html><body>502 Bad Gateway</body></html>", 400, "", /./],
  ["UTF-16", utf16('<?xml version="1.0"?><Image/>{"type":"FeatureCollection"}', true), 400, "", /./],
  ["10,000 levels", levels(10_000), 400, "", /./],
  ["20,000 elements", "<a>".repeat(20_000), 400, "", /./],
  ["multipart", "--x--", 415, "unsupported_media_type", /multipart/, type("multipart/form-data; boundary=x")],
  ["no type", "{}", 415, "unsupported_media_type", /without Content-Type/, type("")],
  ["gzip", gzipSync("{}"), 415, "unsupported_media_type", /encoded as gzip/, encoded("gzip")],
];

describe.each(parsingRoutes.map((route) => [nameOf(route), route] as const))("%s", (_, route) => {
  it.each(STREAM_ROWS)("refuses %s", async (...row) => {
    const [, body, status, code, says, headers = {}] = row;
    const answer = await send(pathOf(route, existing), route.method, body, { ...type(typeOf(route)), ...headers });
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ code: code || expect.stringMatching(/^\w+$/) });
    expect(answer.body.detail).toMatch(says);
  });
});

it.each(
  streamRoutes.flatMap((route) =>
    ((route.body as { stream: string[] }).stream ?? []).map((each) => [each, route] as const),
  ),
)("text as %s must be UTF-8 by its type as well", async (media, route) => {
  const answer = await send(pathOf(route, existing), route.method, "", type(`${media}; charset=utf-16`));
  const isText = !/^image\/|octet-stream/.test(media);
  expect(answer.body.code === "unsupported_media_type").toBe(isText);
});
