/** Bodies that come slowly, in part, or not at all: they end, hold nothing up, and change nothing. */
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createLog } from "../../src/log.ts";
import { until } from "../support/publishing.ts";
import { heldBack, stateOf } from "../support/state-of.ts";
import type { Route } from "../../src/gateway/route.ts";
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
import { sendRaw, startGatewayRoom, type GatewayRoom, type RawAnswer } from "./gateway-room.ts";

let room: GatewayRoom;
let existing: Existing;
let before: Record<string, string>;
let logged = "";
beforeAll(async () => {
  const log = createLog("test", "error", { write: (part) => void (logged += part) });
  room = await startGatewayRoom({ log, settings: { PLATEN_BODY_SECONDS: "1" } });
  existing = await makeExisting(room);
  before = await stateOf(room.database, room.storeFolder);
});
afterAll(() => room?.close());
afterEach(async () => {
  expect((await room.call("GET", "/healthz")).status).toBe(200);
  await until(
    "everything to be given back",
    async () => (await heldBack(room.database, room.storeFolder)).length === 0,
  );
  expect(await stateOf(room.database, room.storeFolder)).toEqual(before);
  expect(logged).toBe("");
});

const PROBLEM = /\r\n\r\n(\{.*\})/s;
const problemIn = (answer: string) => JSON.parse(PROBLEM.exec(answer)?.[1] ?? "null") as Record<string, unknown>;

/** On every route that reads a body, at once: most of the time is spent waiting. */
const onEveryRoute = (test: (route: Route, begin: (...headers: string[]) => RawAnswer) => Promise<void>) => () =>
  Promise.all(
    [...jsonRoutes, ...streamRoutes].map((route) =>
      test(route, (...headers) => begin(route, `Authorization: Bearer ${room.keys.admin}`, ...headers)).catch(
        (cause: unknown) => {
          throw new Error(nameOf(route), { cause });
        },
      ),
    ),
  );

function begin(route: Route, ...headers: string[]): RawAnswer {
  const line = `${route.method.toUpperCase()} ${pathOf(route, existing)} HTTP/1.1`;
  return sendRaw(room.url, [line, `Content-Type: ${typeOf(route)}`, ...headers]);
}

describe("a body", () => {
  it(
    "that is announced and does not come ends with 408, and its connection with it",
    onEveryRoute(async (_, send) => {
      const answer = await send("Content-Length: 100").ended();
      expect(answer).toMatch(/^HTTP\/1\.1 408 /);
      expect(answer).toContain("Connection: close");
      expect(problemIn(answer)).toMatchObject({ code: "body_too_slow", facts: { received: 0, seconds: 1 } });
    }),
  );

  it(
    "that comes byte by byte ends as well, and holds no connection to the database meanwhile",
    onEveryRoute(async (_, send) => {
      const raw = send("Transfer-Encoding: chunked");
      const drip = setInterval(() => raw.socket.writable && raw.socket.write("1\r\n \r\n"), 200);
      await once(raw.socket, "connect");
      const held = await heldBack(room.database, room.storeFolder);
      expect(held.filter((each) => each.endsWith("transactions"))).toEqual([]);
      const answer = await raw.ended().finally(() => clearInterval(drip));
      expect(problemIn(answer)).toMatchObject({
        code: "body_too_slow",
        detail: expect.stringMatching(/: [1-9]\d* bytes in all/),
      });
    }),
  );

  it(
    "that breaks off changes nothing",
    onEveryRoute(async (_, send) => {
      const raw = send("Content-Length: 1000");
      raw.socket.end(' {"type": ');
      const answer = await raw.ended();
      // Whether anybody is left to read the answer depends on who notices first.
      if (answer !== "") expect(problemIn(answer)).toMatchObject({ status: 400 });
    }),
  );

  it(
    "whose sender leaves in the middle is forgotten",
    onEveryRoute(async (_, send) => {
      const raw = send("Transfer-Encoding: chunked");
      await once(raw.socket, "connect");
      raw.socket.write('9\r\n {"type":\r\n', () => raw.socket.destroy());
      await once(raw.socket, "close");
    }),
  );

  it(
    "is asked for only when it is wanted",
    onEveryRoute(async (route, send) => {
      const tooMuch = ["Content-Length: 100000000000", "Expect: 100-continue"];
      const stranger = await begin(route, ...tooMuch).ended();
      expect(stranger).not.toContain("100 Continue");
      expect(problemIn(stranger)).toMatchObject({ code: "unauthenticated" });
      const tooLarge = await send(...tooMuch).ended();
      expect(tooLarge).not.toContain("100 Continue");
      expect(problemIn(tooLarge)).toMatchObject({ code: "body_too_large" });

      const wanted = send("Content-Length: 3", "Expect: 100-continue");
      await wanted.holds("HTTP/1.1 100 Continue\r\n\r\n");
      // An upload may be anything, and would be kept.
      if (parsingRoutes.includes(route) || jsonRoutes.includes(route)) {
        wanted.socket.write("<x>");
        await wanted.holds("HTTP/1.1 400 ");
      }
      wanted.socket.destroy();
    }),
  );
});

it("a body for a route that takes none is not waited for", async () => {
  const raw = sendRaw(room.url, ["GET /healthz HTTP/1.1", "Content-Length: 1000000"]);
  const answer = await raw.ended();
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  expect(answer).toContain("Connection: close");
});
