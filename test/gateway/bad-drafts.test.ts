/** Drafts that cannot become a release: refused where they come in, or told in full before a publish and by it. */
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Problem } from "../../contract/problem.ts";
import { printDescriptor } from "../../src/tiles/descriptor.ts";
import { expectedTiles, type Descriptor } from "../../src/tiles/dzi.ts";
import { startWorker, type RunningWorker } from "../../src/worker/create-worker.ts";
import { collection, feature, layers, point, polygon, square } from "../support/geojson.ts";
import { until } from "../support/publishing.ts";
import { stateOf } from "../support/state-of.ts";
import { startGatewayRoom, type Answer, type GatewayRoom } from "./gateway-room.ts";

const PYRAMID: Descriptor = { width: 3, height: 2, tile_size: 256, overlap: 0, format: "png" };

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

async function put(path: string, body: unknown, type = "application/json"): Promise<Answer> {
  const response = await fetch(room.url + path, {
    method: "PUT",
    headers: { Authorization: `Bearer ${room.keys.admin}`, "Content-Type": type },
    body: typeof body === "string" || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

let drafts = 0;
/** A draft with tiles and nothing else; answers its path. */
async function makeDraft(tiles = true): Promise<string> {
  const slug = `draft-${(drafts += 1)}`;
  await room.call("POST", "/projects", { body: { slug, name: slug } });
  await room.call("POST", `/projects/${slug}/versions`, { body: {} });
  const path = `/projects/${slug}/versions/1`;
  if (!tiles) return path;
  await put(`${path}/tiles.dzi`, printDescriptor(PYRAMID), "application/xml");
  for (const { key, width, height } of expectedTiles(PYRAMID)) {
    const image = sharp({ create: { width, height, channels: 3, background: "#3a6" } });
    expect((await put(`${path}/tiles/${key}`, await image.png().toBuffer(), "image/png")).status).toBe(200);
  }
  return path;
}

describe("what is wrong in a draft is told at once, before a publish and by it", () => {
  const collected = (...geometries: object[]) => ({ type: "GeometryCollection", geometries });
  const geometries: [ref: string, says: RegExp, geometry: unknown][] = [
    ["bow-tie", /Self-intersection at 0\.5, 0\.5/, polygon("0 0, 1 1, 1 0, 0 1, 0 0")],
    ["no-rings", /coordinates is empty/, polygon()],
    ["empty-ring", /coordinates\[0\] is empty/, polygon("")],
    ["open", /not closed: it begins at \[0,0\] and ends at \[0,1\]/, polygon("0 0, 1 0, 1 1, 0 1")],
    ["short", /at least 4 positions and has 3/, polygon("0 0, 1 1, 0 0")],
    ["far", /coordinates holds 1e\+308/, point(1e308, 0)],
    ["dot", /at least 2 positions/, { type: "LineString", coordinates: [[0, 0]] }],
    ["hole", /Hole lies outside shell/, polygon(square(), square(5))],
    ["flat", /Self-intersection|Too few/, polygon("0 0, 1 1, 2 2, 0 0")],
    ["nothing", /no geometries/, collected()],
    ["inside", /is empty/, collected(point(0, 0), { type: "MultiPoint", coordinates: [] })],
  ];
  const unknown: [ref: string, place: string, layer: string][] = [
    ["lost", "lost", "nowhere"],
    ["proto", "proto", "constructor"],
    ["a/b~c \u200f\u05d0", "a~1b~0c \u200f\u05d0", "\u202e"],
  ];
  const wanted = [
    ["config_secret", "/config/map/api_key", /secret/],
    ["duplicate_ref", "/overlays/twice/ref", /2 overlays are called "twice"/],
    ...geometries.map(([ref, says]) => ["geometry_invalid", `/overlays/${ref}/geometry`, says]),
    ...unknown.map(([, place, layer]) => ["layer_unknown", `/overlays/${place}/layer`, `It names "${layer}"`]),
  ] as [string, string, RegExp | string][];
  const features = [
    ...geometries.map(([ref, , geometry]) => feature(ref, geometry)),
    ...unknown.map(([ref, , layer]) => feature(ref, undefined, { layer })),
    ...[feature("twice"), feature("twice", polygon(square(3))), feature("fine")],
  ];

  it("every problem, with its code, its path and the value", async () => {
    const path = await makeDraft();
    await put(`${path}/config`, { map: { api_key: "abc" } });
    await put(`${path}/layers`, layers(1));
    expect((await put(`${path}/overlays`, collection(...features), "application/geo+json")).status).toBe(200);

    const { body: verdict } = await room.call("GET", `${path}/publish/validate`);
    expect(verdict.valid).toBe(false);
    for (const [code, place, says] of wanted)
      expect(verdict.errors).toContainEqual({ code, path: place, message: expect.stringMatching(says) });
    expect(verdict.errors).toHaveLength(wanted.length);

    const { status, body: accepted } = await room.call("POST", `${path}/publish`, {
      body: { target_environment: "dev" },
    });
    expect(status).toBe(202);
    const job = await until("the job to fail", async () => {
      const { body } = await room.call("GET", `/jobs/${accepted.id}`);
      return body.status === "failed" && body;
    });
    expect(job).toMatchObject({ error_code: "version_invalid", release_id: null });
    expect(job.error).toContain(`${wanted.length} problem(s)`);
    const sorted = (problems: Problem[]) => problems.toSorted((a, b) => a.path.localeCompare(b.path));
    expect(sorted(job.errors)).toEqual(sorted(verdict.errors));
    expect((await room.call("GET", path)).body.status).toBe("draft");
  });

  it("what is missing altogether refuses the publish itself", async () => {
    const path = await makeDraft(false);
    const codes = ["config_missing", "no_visible_overlay", "tiles_missing"];
    const { body: verdict } = await room.call("GET", `${path}/publish/validate`);
    expect(verdict.errors.map((each: Problem) => each.code)).toEqual(codes);
    const before = await stateOf(room.database, room.storeFolder);
    const refused = await room.call("POST", `${path}/publish`, { body: {} });
    expect(refused).toMatchObject({ status: 422, body: { code: "version_invalid" } });
    expect(refused.body.errors).toEqual(verdict.errors);
    expect(await stateOf(room.database, room.storeFolder)).toEqual(before);

    await put(`${path}/config`, {});
    await put(`${path}/overlays`, collection(feature("hidden", undefined, { visible: false })), "application/geo+json");
    const hidden = await room.call("POST", `${path}/publish`, { body: {} });
    expect(hidden.body.errors.map((each: Problem) => each.code)).toEqual(codes.slice(1));
  });
});

it("what only looks dangerous comes out of a release as it went in, and reaches no prototype", async () => {
  const path = await makeDraft();
  const strange = {
    ...{ constructor: { prototype: { polluted: 1 } }, prototype: [], toString: "x", hasOwnProperty: null, valueOf: 1 },
    ...{
      "": "empty",
      " ": "space",
      "a/b~c": 1,
      "\u2028": "\u2029",
      "\u202e": "\u200f",
      "\u001b[2J": "\u0007",
      é: "e\u0301",
    },
    ...{
      length: -1,
      small: 5e-324,
      large: 1.7976931348623157e308,
      whole: 9007199254740992,
      fraction: 0.1,
      list: [[[]], {}],
    },
    ...{ emoji: "😀", html: "</script><!--", sql: "'; drop table jobs --", digits: "9007199254740993", true: false },
  };
  expect((await put(`${path}/config`, strange)).status).toBe(200);
  const zero = await put(`${path}/layers`, '[{"ref": "../é/\u200f", "label": {"en": "-0"}, "style": {"width": -0}}]');
  expect(zero.status).toBe(200);
  const properties = { ...strange, ref: "a/b\\c..%2F?#\u200f", label: "\u202eabc", layer: "../é/\u200f" };
  const sent = collection(feature(properties.ref, undefined, properties));
  expect((await put(`${path}/overlays`, sent, "application/geo+json")).status).toBe(200);

  const { body: accepted } = await room.call("POST", `${path}/publish`, { body: { target_environment: "dev" } });
  const job = await until("the job to be completed", async () => {
    const { body } = await room.call("GET", `/jobs/${accepted.id}`);
    expect(body.error).toBeNull();
    return body.status === "completed" && body;
  });
  const { body: live } = await room.call("GET", job.result.release_url, { key: "" });
  expect(live.config).toEqual(strange);
  expect(live.layers).toEqual([{ ref: "../é/\u200f", label: { en: "-0" }, style: { width: 0 }, visible: true }]);
  const [overlay] = live.overlays;
  expect(overlay).toMatchObject({ ref: properties.ref, label: { und: "\u202eabc" }, layer: properties.layer });
  expect(overlay.properties).toEqual(strange);
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});
