/** GeoJSON as other tools write it: it goes in and out again, or is refused with a sentence that says what to do. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWorker, type RunningWorker } from "../../src/worker/create-worker.ts";
import { startGatewayRoom, type GatewayRoom } from "../gateway/gateway-room.ts";
import { createDraft, until, type Draft } from "../support/publishing.ts";

let room: GatewayRoom;
let worker: RunningWorker;
beforeAll(async () => {
  room = await startGatewayRoom({ executions: "real" });
  worker = await startWorker({ config: room.config, log: room.deps.log, stores: room.stores });
});
afterAll(async () => {
  await worker?.stop();
  await room?.close();
});

type Json = Record<string, unknown>;
const point = { type: "Point", coordinates: [1, 2] };
const closed = (...ring: number[][]) => [...ring, ring[0]!];
const square = closed([0, 0], [10, 0], [10, 10], [0, 10]);
const hole = closed([2, 2], [2, 4], [4, 4], [4, 2]);
const feature = (more: Json = {}): Json => ({ type: "Feature", geometry: point, properties: { ref: "a" }, ...more });
const shape = (type: string, coordinates: unknown): Json => feature({ geometry: { type, coordinates } });
const collection = (...features: unknown[]): Json => ({ type: "FeatureCollection", features });

const draft = () => createDraft(room, { overlays: [], descriptor: ONE_TILE });
const ONE_TILE = { width: 1, height: 1, tile_size: 256, overlap: 0, format: "png" } as const;

async function put({ project }: Draft, document: unknown) {
  const body = typeof document === "string" ? document : JSON.stringify(document);
  const headers = { "Content-Type": "application/geo+json" };
  return room.call("PUT", `/projects/${project}/versions/1/overlays`, { body, headers });
}

async function problemsOf({ project }: Draft): Promise<{ code: string; path: string; message: string }[]> {
  const { body } = await room.call("GET", `/projects/${project}/versions/1/publish/validate`);
  return body.errors;
}

/** Publishes the version, and answers the overlays that viewers get. */
async function publish({ project }: Draft): Promise<Json[]> {
  const body = { target_environment: "dev" };
  const { body: accepted } = await room.call("POST", `/projects/${project}/versions/1/publish`, { body });
  const job = await until("the publish to end", async () => {
    const { body: seen } = await room.call("GET", `/jobs/${accepted.id}`);
    return ["completed", "failed"].includes(seen.status) && seen;
  });
  expect(job).toMatchObject({ status: "completed", error: null });
  return (await room.call("GET", job.result.release_url, { key: "" })).body.overlays;
}

const accepted: [string, Json | string, Json][] = [
  [
    "several polygons",
    collection(shape("MultiPolygon", [[square], [square.map(([x = 0, y = 0]) => [x + 20, y])]])),
    {},
  ],
  ["a hole", collection(shape("Polygon", [square, hole])), {}],
  ["rings the other way round", collection(shape("Polygon", [square.toReversed(), hole.toReversed()])), {}],
  [
    "two halves at the antimeridian",
    collection(
      shape("MultiPolygon", [
        [closed([179, 0], [180, 0], [180, 5], [179, 5])],
        [closed([-180, 0], [-179, 0], [-179, 5], [-180, 5])],
      ]),
    ),
    {},
  ],
  ["longitudes beyond 180", collection(shape("Polygon", [closed([179, 0], [181, 0], [181, 5], [179, 5])])), {}],
  ["positions with a height", collection(shape("LineString", [[0, 0, 10.5], [1, 1, -3]])), {}], // prettier-ignore
  ["positions with a measure", collection(shape("Point", [1, 2, 3, 4])), {}],
  ["metres of a projection", collection(shape("Point", [500_000.25, 5_600_000.75])), {}],
  ["points that follow themselves", collection(shape("Polygon", [square.flatMap((each) => [each, each])])), {}],
  [
    "a collection in a collection",
    collection(
      feature({
        geometry: {
          type: "GeometryCollection",
          geometries: [
            point,
            { type: "GeometryCollection", geometries: [point, { type: "Polygon", coordinates: [square] }] },
          ],
        },
      }),
    ),
    {},
  ],
  [
    "members that are not ours",
    {
      bbox: [0, 0, 10, 10],
      crs: { type: "name", properties: { name: "EPSG:25832" } },
      features: [feature({ bbox: [1, 2, 1, 2], tippecanoe: { layer: "x" } })],
      name: "export",
      type: "FeatureCollection",
    },
    {},
  ],
  [
    "properties that are not ours",
    collection(
      feature({
        properties: { ref: "a", "@id": "way/1", tags: { a: [1, null] }, name: "Ünï \u{1F3DD}", 10: "x", 9: "y" },
      }),
    ),
    { properties: { "@id": "way/1", tags: { a: [1, null] }, name: "Ünï \u{1F3DD}", 10: "x", 9: "y" } },
  ],
  [
    "null for what may be absent",
    collection(feature({ properties: { ref: "a", label: null, layer: null, style: null } })),
    {},
  ],
  ["an id that is a text", collection(feature({ id: "way/42", properties: { name: "x" } })), { ref: "way/42" }],
  ["an id that is a number", collection(feature({ id: 42, properties: {} })), { ref: "42" }],
  ["null for properties, and an id", collection(feature({ id: 0, properties: null })), { ref: "0", properties: {} }],
  ["an id beside a ref", collection(feature({ id: 1 })), { ref: "a" }],
  ["a byte order mark", `\uFEFF${JSON.stringify(collection(feature()))}`, {}],
  ["white space", `\r\n${JSON.stringify(collection(feature()), null, "\t")}\r\n`, {}],
];

describe("a document of another tool", () => {
  it.each(accepted)("goes in and can be published: %s", async (_, document, expected) => {
    const made = await draft();
    expect(await put(made, document)).toMatchObject({ status: 200, body: { overlays: 1 } });
    expect(await problemsOf(made)).toEqual([]);
    const { body } = await room.call("GET", `/projects/${made.project}/versions/1/overlays`);
    const parsed = typeof document === "string" ? JSON.parse(document.replace("\uFEFF", "")) : document;
    expect(body.features[0].geometry).toEqual(parsed.features[0].geometry);
    const { ref, properties = {} } = expected;
    expect(body.features[0].properties).toMatchObject({ ref: ref ?? "a", ...(properties as Json) });
  });

  it("is published as it came: Natural Earth, over the antimeridian, with repeated points", async () => {
    const text = await readFile(new URL("natural-earth.geojson", import.meta.url), "utf8");
    const document = JSON.parse(text) as { features: { id?: unknown; geometry: Json; properties: Json }[] };
    const made = await draft();
    const refused = await put(made, document);
    expect(refused).toMatchObject({ status: 400, body: { code: "overlay_invalid" } });
    expect(refused.body.detail).toContain(
      "number 1 cannot be read: /properties/ref: it is missing; it must be a text, unless the feature has an id",
    );
    for (const each of document.features) each.id = each.properties["ne_id"] ?? each.properties["NE_ID"];
    expect(await put(made, document)).toMatchObject({ status: 200, body: { overlays: 3 } });
    const overlays = await publish(made);
    expect(overlays.map(({ ref }) => ref)).toEqual(["1159320625", "1159113191", "1159106757"]);
    expect(overlays.map(({ geometry }) => geometry)).toEqual(document.features.map(({ geometry }) => geometry));
    expect(overlays[0]?.["properties"]).toEqual(document.features[0]?.properties);
    expect(overlays[1]?.["label"]).toEqual({ und: "Lake Victoria" });
  });

  it("is published with all its shapes at once", async () => {
    const features = accepted.flatMap(([, document], at) =>
      typeof document === "string"
        ? []
        : (document["features"] as Json[]).map((each) => ({
            ...each,
            properties: { ...(each["properties"] as Json | null), ref: `f${at}` },
          })),
    );
    const made = await draft();
    expect((await put(made, collection(...features))).status).toBe(200);
    const overlays = await publish(made);
    expect(overlays.map(({ geometry }) => geometry)).toEqual(features.map((each) => (each as Json)["geometry"]));
  });
});

describe("a document that cannot go in", () => {
  it.each([
    ["neither ref nor id", collection(feature(), feature({ properties: { name: "x" } })), "overlay_invalid", /number 2 .*\/properties\/ref: it is missing; it must be a text, unless the feature has an id/], // prettier-ignore
    ["no properties, no id", collection({ type: "Feature", geometry: point }), "overlay_invalid", /\/properties\/ref: it is missing/], // prettier-ignore
    ["an id that is an object", collection(feature({ id: {}, properties: {} })), "overlay_invalid", /number 1 .*\/id/],
    ["no geometry, as RFC 7946 allows", collection(feature({ geometry: null })), "overlay_invalid", /number 1 .*\/geometry/], // prettier-ignore
    ["a geometry as text", collection(feature({ geometry: JSON.stringify(point) })), "overlay_invalid", /\/geometry/],
    ["well-known text", collection(feature({ geometry: "POINT(1 2)" })), "overlay_invalid", /\/geometry/],
    ["an empty point", collection(shape("Point", [])), "overlay_invalid", /\/geometry\/coordinates/],
    ["a type in lower case", collection(shape("point", [1, 2])), "overlay_invalid", /"point" is not one of Point/],
    ["a curve", collection(shape("CircularString", [[0, 0]])), "overlay_invalid", /"CircularString" is not one of/],
    ["numbers as texts", collection(shape("Point", ["1", "2"])), "overlay_invalid", /\/geometry\/coordinates\/0/],
    ["null for a number", collection(shape("Point", [1, null])), "overlay_invalid", /\/geometry\/coordinates\/1/],
    ["a level too few", collection(shape("Polygon", square)), "overlay_invalid", /\/geometry\/coordinates\/0/],
    ["a style of another tool", collection(feature({ properties: { ref: "a", style: "#f00" } })), "overlay_invalid", /\/properties\/style/], // prettier-ignore
    ["a lone feature", feature(), "malformed_json", /no FeatureCollection but "Feature"; send \{"type":"FeatureCollection"/], // prettier-ignore
    ["a lone geometry", point, "malformed_json", /no FeatureCollection but "Point"; send/],
    ["TopoJSON", { type: "Topology", objects: {}, arcs: [] }, "malformed_json", /no FeatureCollection but "Topology"/],
    ["Esri JSON", { features: [{ attributes: {}, geometry: { x: 1, y: 2 } }] }, "overlay_invalid", /\/type: it is missing; Feature is expected/], // prettier-ignore
  ] as [string, Json, string, RegExp][])("says so, and leaves the draft alone: %s", async (_, document, code, told) => {
    const made = await draft();
    await put(made, collection(feature({ properties: { ref: "before" } })));
    const { status, body } = await put(made, document);
    expect([status, body.code]).toEqual([400, code]);
    expect(body.detail).toMatch(told);
    const { body: kept } = await room.call("GET", `/projects/${made.project}/versions/1/overlays`);
    expect(kept.features).toMatchObject([{ properties: { ref: "before" } }]);
  });

  it("can be a bare feature where each is a record of its own", async () => {
    const made = await draft();
    const headers = { "Content-Type": "application/x-ndjson" };
    const path = `/projects/${made.project}/versions/1/overlays`;
    expect((await room.call("PUT", path, { body: JSON.stringify(feature()), headers })).status).toBe(200);
  });
});

describe("a geometry that cannot be published", () => {
  it.each([
    ["empty coordinates", "MultiPolygon", [], "coordinates is empty"],
    ["an empty ring", "Polygon", [[]], "coordinates[0] is empty"],
    [
      "a polygon over the antimeridian that jumps",
      "Polygon",
      [closed([179, 0], [-179, 0], [179, 5], [-179, 5])],
      "Self-intersection at",
    ],
    [
      "a ring that is open",
      "Polygon",
      [
        [
          [0, 0],
          [1, 0],
          [1, 1],
          [0, 1],
        ],
      ],
      "a ring is not closed: it begins at [0,0] and ends at [0,1]",
    ],
    ["a ring of two corners", "Polygon", [closed([0, 0], [1, 1], [1, 1])], "Too few"],
    ["a line of one point", "LineString", [[0, 0]], "a line needs at least 2 positions"],
    ["a figure of eight", "Polygon", [closed([0, 0], [10, 10], [10, 0], [0, 10])], "Self-intersection at 5, 5"],
    ["a hole outside", "Polygon", [square, hole.map(([x = 0, y = 0]) => [x + 50, y])], "Hole lies outside shell at"],
    [
      "overlapping parts",
      "MultiPolygon",
      [[square], [square.map(([x = 0, y = 0]) => [x + 5, y + 5])]],
      "Self-intersection at",
    ],
    ["coordinates out of any world", "Point", [1e300, 0], "holds 1e+300, which is not a usable coordinate"],
  ] as [string, string, unknown, string][])(
    "is named with what is wrong and where: %s",
    async (_, type, coordinates, told) => {
      const made = await draft();
      expect((await put(made, collection(shape(type, coordinates)))).status).toBe(200);
      const [problem, ...others] = await problemsOf(made);
      expect(problem).toMatchObject({ code: "geometry_invalid", path: "/overlays/a/geometry" });
      expect(problem?.message).toContain(told);
      expect(others).toEqual([]);
    },
  );
});
