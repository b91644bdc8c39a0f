import { request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freeze, makeDraft, startDraftsServer, type DraftsServer } from "./drafts-server.ts";

let server: DraftsServer;
beforeAll(async () => {
  server = await startDraftsServer({ PLATEN_MAX_OVERLAYS_BYTES: "20000000" });
});
afterAll(() => server.close());

const feature = (ref: string, more: Record<string, unknown> = {}) => ({
  type: "Feature",
  geometry: { type: "Point", coordinates: [1.25, 2] },
  properties: { ref, ...more },
});
const collection = (...features: unknown[]) => JSON.stringify({ type: "FeatureCollection", features });
const put = (path: string, body: string | Uint8Array, type = "application/geo+json") =>
  server.call("PUT", `${path}/overlays`, { body, type });

async function refs(path: string): Promise<string[]> {
  const { body } = await server.call("GET", `${path}/overlays?limit=1000`);
  return body.features.map((each: { properties: { ref: string } }) => each.properties.ref);
}

test("overlays read back as they were put, in order, with every property", async () => {
  const path = await makeDraft(server, "round-trip");
  const full = feature("plot-1", {
    type: "plot",
    label: { en: "Plot", ar: "قطعة" },
    layer: "plots",
    style: { fill: "#fc0" },
    visible: false,
    area: 12.5,
    owner: { name: "A\u2028B", tags: [null, true] },
  });
  const answer = await put(path, `\uFEFF${collection(full, feature("plot-2", { label: "Plain", layer: null }))}`);
  expect(answer).toMatchObject({ status: 200, body: { overlays: 2, revision: 2 } });
  const { body, headers } = await server.call("GET", `${path}/overlays`);
  expect(headers.get("Content-Type")).toContain("application/geo+json");
  expect(body.next).toBeNull();
  expect(body.features[0]).toEqual(full);
  const absent = { type: "overlay", label: { und: "Plain" }, layer: null, style: null, visible: true };
  expect(body.features[1]).toEqual(feature("plot-2", absent));
  expect((await server.call("GET", path)).body.overlays).toEqual({ total: 2, visible: 1 });
});

test.each([
  ["application/x-ndjson", (lines: string[]) => `${lines.join("\n")}\n\n`],
  ["application/x-ndjson", (lines: string[]) => lines.join("\r\n")],
  ["application/geo+json-seq", (lines: string[]) => lines.map((line) => `\x1e${line}\n`).join("")],
  ["application/json", (lines: string[]) => `{"features":[${lines.join(",")}],"bbox":[0],"type":"FeatureCollection"}`],
])("overlays come as %s too (%#), in pages out again", async (type, print) => {
  const path = await makeDraft(server, "forms");
  const features = Array.from({ length: 7 }, (_, i) => feature(`f${i}`, { label: { en: "a\nb" } }));
  expect((await put(path, print(features.map((each) => JSON.stringify(each))), type)).body.overlays).toBe(7);
  const first = await server.call("GET", `${path}/overlays?limit=4`);
  const second = await server.call("GET", `${path}/overlays?limit=4&after=${first.body.next}`);
  expect([...first.body.features, ...second.body.features].map((each) => each.properties.ref)).toEqual(
    features.map((each) => each.properties.ref),
  );
  expect(second.body.next).toBeNull();
});

test("a page ends early where overlays are large, and what follows it loses none", async () => {
  const path = await makeDraft(server, "large");
  const text = "x".repeat(1_000_000);
  const names = Array.from({ length: 6 }, (_, index) => `large-${index}`);
  await put(path, collection(...names.map((name) => feature(name, { text }))));
  const read: string[] = [];
  for (let next: number | null = 0; next !== null;) {
    const { body } = await server.call("GET", `${path}/overlays?limit=1000&after=${next}`);
    expect(body.features.length).toBeLessThan(names.length);
    read.push(...body.features.map((each: { properties: { ref: string } }) => each.properties.ref));
    next = body.next;
  }
  expect(read).toEqual(names);
  expect(await server.call("GET", `${path}/overlays?after=2147483647`)).toMatchObject({
    status: 200,
    body: { features: [], next: null },
  });
});

const nested = (levels: number) =>
  `${'{"type":"GeometryCollection","geometries":['.repeat(levels)}${"]}".repeat(levels)}`;
const point = (value: string) =>
  `{"type":"Feature","geometry":{"type":"Point","coordinates":[${value}]},"properties":{"ref":"b"}}`;

test.each([
  [
    "without a ref",
    collection(feature("a"), { ...feature("b"), properties: {} }),
    "overlay_invalid",
    /number 2 .*\/properties\/ref/,
  ],
  ["without a geometry", collection({ ...feature("a"), geometry: null }), "overlay_invalid", /number 1 .*\/geometry/],
  [
    "with an unknown geometry",
    collection({ ...feature("a"), geometry: { type: "Circle" } }),
    "overlay_invalid",
    /\/geometry\/type: "Circle" is not one of Point, MultiPoint, .*GeometryCollection/,
  ],
  [
    "with a geometry nested without end",
    collection(feature("a")).replace(`{"type":"Point","coordinates":[1.25,2]}`, nested(5_000)),
    "overlay_invalid",
    /number 1 .*deeper than 100 levels/,
  ],
  [
    "with a geometry nested a little too deep",
    collection(feature("a")).replace(`{"type":"Point","coordinates":[1.25,2]}`, nested(50)),
    "overlay_invalid",
    /number 1 .*deeper than 100 levels/,
  ],
  [
    "with a member that would be lost",
    collection(feature("a")).replace(`"ref":"a"`, `"ref":"a","x":{"__proto__":{"y":1}}`),
    "overlay_invalid",
    /object at "\/properties\/x" has a member called __proto__/,
  ],
  [
    "with half a position",
    collection({ ...feature("a"), geometry: { type: "Point", coordinates: [1] } }),
    "overlay_invalid",
    /coordinates/,
  ],
  [
    "with a text for a number",
    `{"type":"FeatureCollection","features":[${point('"1",2')}]}`,
    "overlay_invalid",
    /coordinates/,
  ],
  [
    "with an infinite number",
    `{"type":"FeatureCollection","features":[${point("1e400,2")}]}`,
    "overlay_invalid",
    /number 1/,
  ],
  [
    "with an infinite property",
    collection(feature("a")).replace(`"ref":"a"`, `"ref":"a","x":-1e999`),
    "overlay_invalid",
    /too large/,
  ],
  ["with a NUL", collection(feature("a", { note: "x\u0000y" })), "overlay_invalid", /properties\/note.* NUL/],
  ["with half a surrogate pair", collection(feature("a")).replace(`"a"`, `"\\ud83d"`), "overlay_invalid", /surrogate/],
  ["with a ref too long to index", collection(feature("a".repeat(201))), "overlay_invalid", /ref/],
  ["with a numeric ref", collection({ ...feature("a"), properties: { ref: 7 } }), "overlay_invalid", /ref/],
  ["with a label in no language", collection(feature("a", { label: { "": "x" } })), "overlay_invalid", /label/],
  ["that is no object", `{"type":"FeatureCollection","features":[1]}`, "overlay_invalid", /number 1/],
  [
    "nested without end",
    collection(feature("a")).replace(`"a"`, `"a","x":${"[".repeat(300)}${"]".repeat(300)}`),
    "overlay_invalid",
    /nested/,
  ],
  [
    "in broken JSON",
    `{"type":"FeatureCollection","features":[{]}`,
    "malformed_json",
    /unexpected "\]" at line 1, column 42/,
  ],
  ["in no JSON at all", "hello", "malformed_json", /unexpected "h" at line 1, column 1, near "hello"/],
  [
    "in JSON that breaks in a later line",
    `{"type":"FeatureCollection",\n"é":"ü",\n  "features":[tru]}`,
    "malformed_json",
    /unexpected "\]" at line 3, column 18/,
  ],
  ["in half a document", collection(feature("a"), feature("b")).slice(0, -9), "incomplete_body", /not complete/],
  ["in no document", "", "incomplete_body", /not complete/],
  ["followed by more", `${collection(feature("a"))} {}`, "malformed_json", /./],
  ["in a lone feature", JSON.stringify(feature("a")), "malformed_json", /no FeatureCollection but "Feature"/],
  ["in an array", JSON.stringify([feature("a")]), "malformed_json", /no FeatureCollection/],
  [
    "in two lists",
    `{"type":"FeatureCollection","features":[],"features":[]}`,
    "malformed_json",
    /name "features" is there twice/,
  ],
  ["in no list", `{"type":"FeatureCollection"}`, "malformed_json", /one array/],
  ["in Latin-1", Buffer.from(collection(feature("ä")), "latin1"), "malformed_json", /UTF-8/],
] as const)("overlays %s are refused, and nothing changes", async (_, body, code, reason) => {
  const path = await makeDraft(server, "refused");
  await put(path, collection(feature("kept")));
  const { revision } = (await server.call("GET", path)).body;
  const answer = await put(path, body);
  expect(answer.body).toMatchObject({ code, detail: expect.stringMatching(reason) });
  expect(answer.status).toBe(400);
  expect(await refs(path)).toEqual(["kept"]);
  expect((await server.call("GET", path)).body.revision).toBe(revision);
});

test("a line nested without end is refused like a feature", async () => {
  const path = await makeDraft(server, "deep-lines");
  const deep = `{"type":"Feature","geometry":${nested(5_000)},"properties":{"ref":"a"}}`;
  const answer = await put(path, `${JSON.stringify(feature("a"))}\n${deep}\n`, "application/x-ndjson");
  expect(answer.body).toMatchObject({ status: 400, code: "overlay_invalid", facts: { index: 2 } });
});

test("a feature is refused with every problem, its place and what was there, cut where it is long", async () => {
  const path = await makeDraft(server, "problems");
  const wrong = { ...feature("a", { visible: "yes" }), type: "x".repeat(500) };
  const { body } = await put(path, collection(feature("ok"), wrong));
  expect(body).toMatchObject({ code: "overlay_invalid", facts: { index: 2 } });
  expect(body.errors).toMatchObject([
    { path: "/type", value: `"${"x".repeat(99)}…`, message: expect.stringContaining("is not Feature") },
    { path: "/properties/visible", value: "yes", message: expect.stringContaining("expected boolean") },
  ]);
});

test("a broken line is named by its number", async () => {
  const path = await makeDraft(server, "lines");
  const answer = await put(path, `${JSON.stringify(feature("a"))}\n\n{"type":`, "application/x-ndjson");
  expect(answer.body).toMatchObject({ code: "malformed_json", facts: { reason: expect.stringContaining("record 3") } });
});

test("a client that leaves in the middle changes nothing, and holds nothing up meanwhile", async () => {
  const path = await makeDraft(server, "leaver");
  await put(path, collection(feature("kept")));
  const upload = request(`${server.origin}${path}/overlays`, {
    method: "PUT",
    headers: { Authorization: `Bearer ${server.keys.admin}`, "Content-Type": "application/geo+json" },
  });
  const gone = new Promise((resolve) => upload.on("error", resolve));
  upload.write(collection(feature("lost")).slice(0, -5));
  // The upload is still under way: another edit of the same draft does not wait for it.
  expect((await server.call("PUT", `${path}/config`, { body: { a: 1 } })).status).toBe(200);
  upload.destroy();
  await gone;
  expect(await refs(path)).toEqual(["kept"]);
  expect((await server.call("GET", path)).body.revision).toBe(3);
});

test("overlays for a version that is published meanwhile are refused", async () => {
  const path = await makeDraft(server, "overtaken");
  const upload = request(`${server.origin}${path}/overlays`, {
    method: "PUT",
    headers: { Authorization: `Bearer ${server.keys.admin}`, "Content-Type": "application/x-ndjson" },
  });
  const status = new Promise((resolve) => upload.on("response", (response) => resolve(response.resume().statusCode)));
  await new Promise((resolve) => upload.write(`${JSON.stringify(feature("late"))}\n`, resolve));
  await freeze(server, "overtaken");
  upload.end();
  expect(await status).toBe(409);
  expect(await refs(path)).toEqual([]);
});

test.each([
  ["a published version", "sealed", 409, "version_published"],
  ["more than the limit", "endless", 413, "body_too_large"],
])("the refusal of %s reaches a client that is still sending", async (_, slug, status, code) => {
  const path = await makeDraft(server, slug);
  if (slug === "sealed") await freeze(server, slug);
  const line = `${JSON.stringify(feature("a", { note: "x".repeat(1_000) }))}\n`;
  const answer = await put(path, line.repeat(30_000), "application/x-ndjson");
  expect(answer).toMatchObject({ status, body: { code } });
  expect(await refs(path)).toEqual([]);
});

test("a feature too large to hold is refused before it has been read", async () => {
  const path = await makeDraft(server, "giant");
  const answer = await put(path, collection(feature("a", { note: "x".repeat(17 * 2 ** 20) })));
  expect(answer.body).toMatchObject({ code: "overlay_invalid", facts: { index: 1 } });
});
