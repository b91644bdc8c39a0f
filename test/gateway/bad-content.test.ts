/** Content that no release can have: refused where it comes in, with its place and what is there, and nothing changes. */
import { afterAll, beforeAll, expect, it, describe } from "vitest";
import { collection, feature, layers, point, polygon, square } from "../support/geojson.ts";
import { createDraft } from "../support/publishing.ts";
import { stateOf } from "../support/state-of.ts";
import { startGatewayRoom, type Answer, type GatewayRoom } from "./gateway-room.ts";

let room: GatewayRoom;
let path: string;
let before: Record<string, string>;
beforeAll(async () => {
  room = await startGatewayRoom();
  const { project } = await createDraft(room);
  path = `/projects/${project}/versions/1`;
  before = await stateOf(room.database, room.storeFolder);
});
afterAll(() => room?.close());

const put = (part: string, body: unknown): Promise<Answer> => room.call("PUT", `${path}/${part}`, { body });

const line = (count: number, wrong: unknown): object =>
  feature("a", { type: "LineString", coordinates: [...Array.from({ length: count }, (_, i) => [i, i]), wrong] });

describe("config and layers", () => {
  it.each([
    ["a config that is an array", "config", [], "", /must be a JSON object/],
    ["a config that is text", "config", '"text"', "", /must be a JSON object/],
    ["a config that is nothing", "config", "null", "", /must be a JSON object/],
    ["layers that are an object", "layers", {}, "", /expected array/],
    ["10,000 layers", "layers", layers(10_000), "", /<=1000 items/],
    ["two layers of one ref", "layers", [...layers(3), ...layers(1)], "/3/ref", /the ref layer-0 is used twice/],
    [
      "a layer whose label is a number",
      "layers",
      [{ ref: "a", label: 7 }],
      "/0/label",
      /one text, or texts by language/,
    ],
    [
      "a layer whose label is a list",
      "layers",
      [{ ref: "a", label: ["x"] }],
      "/0/label",
      /one text, or texts by language/,
    ],
    ["a label whose text is a number", "layers", [{ ref: "a", label: { en: 7 } }], "/0/label", /one text, or texts/],
    ["a layer without a label", "layers", [{ ref: "a" }], "/0/label", /missing/],
    ["a layer without a ref", "layers", [{ label: "a" }], "/0/ref", /missing/],
    ["a ref of nothing", "layers", [{ ref: "", label: "a" }], "/0/ref", /must not be empty/],
    ["a ref of 10,000 characters", "layers", [{ ref: "r".repeat(10_000), label: "a" }], "/0/ref", /<=200 characters/],
    ["a ref with a line end", "layers", [{ ref: "a\nb", label: "a" }], "/0/ref", /no control characters/],
    ["a ref that writes to terminals", "layers", [{ ref: "\u001b[2J", label: "a" }], "/0/ref", /no control characters/],
    [
      "a style that is text",
      "layers",
      [{ ref: "a", label: "", style: "red" }],
      "/0/style",
      /must be a JSON object|expected/,
    ],
    [
      "a visibility that is text",
      "layers",
      [{ ref: "a", label: "", visible: "yes" }],
      "/0/visible",
      /expected boolean/,
    ],
  ])("%s", async (_, part, body, place, says) => {
    const answer = await put(part, body);
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    expect(answer.body.errors[0]).toMatchObject({ in: "body", path: place, message: expect.stringMatching(says) });
    expect(answer.body.errors.length).toBeLessThanOrEqual(100);
    expect(await stateOf(room.database, room.storeFolder)).toEqual(before);
  });
});

describe("overlays", () => {
  const label = (value: unknown) => feature("a", undefined, { label: value });
  it.each([
    ["latitudes as text", feature("a", point(1, "2")), "/geometry/coordinates/1", "2"],
    ["null as a coordinate", feature("a", point(null, 2)), "/geometry/coordinates/0", null],
    ["one coordinate too few", feature("a", point(1)), "/geometry/coordinates", [1]],
    ["a position too deep", feature("a", polygon([square()])), "/geometry/coordinates/0/0/0", [0, 0]],
    ["a position not deep enough", feature("a", polygon([1, 2])), "/geometry/coordinates/0/0", 1],
    [
      "coordinates by name",
      feature("a", { type: "Point", coordinates: { lon: 1, lat: 2 } }),
      "/geometry/coordinates",
      undefined,
    ],
    ["no coordinates", feature("a", { type: "Polygon" }), "/geometry/coordinates", undefined],
    ["no geometry", feature("a", null), "/geometry", null],
    ["an unknown geometry", feature("a", { type: "constructor", coordinates: [] }), "/geometry/type", "constructor"],
    ["one wrong position of 50,000", line(50_000, [1, "2"]), "/geometry/coordinates/50000/1", "2"],
    ["a ref of 10,000 characters", feature("r".repeat(10_000)), "/properties/ref", undefined],
    ["a ref with a tab", feature("a\tb"), "/properties/ref", "a\tb"],
    ["a ref that is a number", feature(7), "/properties/ref", 7],
    ["a label that is a number", label(7), "/properties/label", 7],
    ["a label of lists", label({ en: ["x"] }), "/properties/label", undefined],
    ["a layer that is a number", feature("a", undefined, { layer: 7 }), "/properties/layer", 7],
  ] as [string, unknown, string, unknown][])("an overlay with %s", async (_, wrong, place, value) => {
    const answer = await put("overlays", collection(feature("fine"), wrong));
    expect(answer).toMatchObject({ status: 400, body: { code: "overlay_invalid", facts: { index: 2 } } });
    expect(answer.body.errors[0].path).toBe(place);
    expect(answer.body.detail).toContain(`Overlay number 2 cannot be read: ${place}`);
    if (value !== undefined) expect(answer.body.errors[0].value).toEqual(value);
    expect(await stateOf(room.database, room.storeFolder)).toEqual(before);
  });

  it.each(["NaN", "Infinity", "-Infinity", "1e400", "0x10", "01", ".5", "1.", "+1"])(
    "the coordinate %s",
    async (number) => {
      const body = JSON.stringify(collection(feature("a", point(8, 9)))).replace("8", number);
      const answer = await put("overlays", body);
      expect(answer.status).toBe(400);
      expect(["malformed_json", "overlay_invalid"]).toContain(answer.body.code);
      expect(answer.body.detail).toMatch(number === "1e400" ? /\/geometry\/coordinates\/0/ : /at line 1, column \d+/);
      expect(await stateOf(room.database, room.storeFolder)).toEqual(before);
    },
  );

  it.each([
    ["a name twice", "application/geo+json", '{"ref": "b", "ref": "c"}', /the name "ref" is there twice in one object/],
    ["a name twice", "application/x-ndjson", '{"ref": "b", "\\u0072ef": "c"}', /name "\\u0072ef" is there twice/],
    [
      "a lossy number",
      "application/geo+json",
      '{"ref": "b", "id": 12345678901234567890}',
      /12345678901234567890 would be/,
    ],
    ["a lossy number", "application/x-ndjson", '{"ref": "b", "id": -9007199254740993}', /-9007199254740993 would be/],
  ])("%s as %s", async (_, type, properties, says) => {
    const wrong = `{"type": "Feature", "geometry": ${JSON.stringify(point(1, 2))}, "properties": ${properties}}`;
    const lines = [JSON.stringify(feature("a")), wrong];
    const body =
      type === "application/x-ndjson"
        ? lines.join("\n")
        : `{"type": "FeatureCollection", "features": [${lines.join(",")}]}`;
    const answer = await room.call("PUT", `${path}/overlays`, { body, headers: { "Content-Type": type } });
    expect(answer.status).toBe(400);
    expect(answer.body.detail).toMatch(/number 2|record 2/);
    expect(answer.body.detail).toMatch(says);
    expect(answer.body.detail).toMatch(/, at line 1, column \d+/);
    expect(await stateOf(room.database, room.storeFolder)).toEqual(before);
  });

  it("100,000 wrong positions are told without counting them one by one", async () => {
    const wrong = feature("a", { type: "LineString", coordinates: Array.from({ length: 100_000 }, () => ["1", "2"]) });
    const answer = await put("overlays", collection(wrong));
    expect(answer.body).toMatchObject({ code: "overlay_invalid" });
    expect(answer.body.errors).toHaveLength(10);
  });
});
