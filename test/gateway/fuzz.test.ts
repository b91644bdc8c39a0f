/** Whatever a body holds, the answer is a success or a problem of the client's, never one of ours. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createLog } from "../../src/log.ts";
import { until } from "../support/publishing.ts";
import { heldBack } from "../support/state-of.ts";
import { jsonRoutes, makeExisting, nameOf, pathOf, streamRoutes, typeOf, type Existing } from "./every-route.ts";
import { startGatewayRoom, type GatewayRoom } from "./gateway-room.ts";

/** Of one route; what was found out by then is enough for one run, and every run looks elsewhere. */
const TIME_MS = 1_200;

let room: GatewayRoom;
let existing: Existing;
let logged = "";
beforeAll(async () => {
  // Temporal is down here, which is told where a schedule is pressed.
  const keep = (part: string): void => void (logged += part.includes('"msg":"Temporal cannot be reached') ? "" : part);
  const log = createLog("test", "error", { write: keep });
  room = await startGatewayRoom({ log });
  existing = await makeExisting(room);
});
afterAll(() => room?.close());

const FIELDS = [
  ...[
    "slug",
    "name",
    "type",
    "payload",
    "project",
    "version",
    "target_environment",
    "copy_from",
    "reason",
    "ref",
    "label",
  ],
  ...["style", "visible", "features", "geometry", "coordinates", "properties", "layer", "__proto__", "constructor"],
];
const WORDS = [
  "publish",
  "Feature",
  "FeatureCollection",
  "Polygon",
  "Point",
  "production",
  "1e400",
  "\ud800",
  "\0",
  "en",
];

/** JSON that knows our words, so that it gets further than the first check. */
const { value } = fc.letrec<{ value: unknown; object: unknown; list: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, depthIdentifier: "json" },
    fc.constantFrom(...WORDS),
    fc.jsonValue({ maxDepth: 2 }),
    fc.double(),
    fc.maxSafeInteger(),
    fc.string({ unit: "binary", maxLength: 30 }),
    tie("object"),
    tie("list"),
  ),
  object: fc.dictionary(fc.oneof(fc.constantFrom(...FIELDS), fc.string({ unit: "binary" })), tie("value"), {
    maxKeys: 6,
    noNullPrototype: true,
  }),
  list: fc.array(tie("value"), { maxLength: 6 }),
}));

const json = value.map((each) => JSON.stringify(each) ?? "null");
/** JSON with one place of it spoilt. */
const nearlyJson = fc.tuple(json, fc.nat(), fc.uint8Array({ maxLength: 4 })).map(([text, at, bytes]) => {
  const whole = Buffer.from(text);
  const place = at % (whole.length + 1);
  return Buffer.concat([whole.subarray(0, place), bytes, whole.subarray(place + bytes.length)]);
});
const body = fc.oneof({ arbitrary: json, weight: 5 }, nearlyJson, fc.uint8Array({ maxLength: 200 }));

it.each([...jsonRoutes, ...streamRoutes].map((route) => [nameOf(route), route] as const))("%s", async (_, route) => {
  const types = route.body && "stream" in route.body ? route.body.stream : [typeOf(route)];
  const property = fc.asyncProperty(body, fc.constantFrom(...types), async (sent, type) => {
    const response = await fetch(room.url + pathOf(route, existing), {
      method: route.method,
      headers: { Authorization: `Bearer ${room.keys.admin}`, "Content-Type": type },
      body: sent as string,
    });
    const text = await response.text();
    if (response.ok) return;
    // Temporal is down; nothing else may be worse than wrong input.
    if (!(response.status === 503 && text.includes('"code":"unavailable"')))
      expect(response.status, text).toBeLessThan(500);
    const problem = JSON.parse(text) as Record<string, unknown>;
    expect(problem).toMatchObject({ status: response.status, code: expect.stringMatching(/^[a-z_]+$/) });
    expect(String(problem["detail"]).isWellFormed()).toBe(true);
  });
  await fc.assert(property, { numRuns: 500, interruptAfterTimeLimit: TIME_MS, markInterruptAsFailure: false });
  // The last request may still be under way when the time is over.
  await until(
    "everything to be given back",
    async () => (await heldBack(room.database, room.storeFolder)).length === 0,
  );
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  expect(logged).toBe("");
});
