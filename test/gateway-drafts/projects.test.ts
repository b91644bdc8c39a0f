import { afterAll, beforeAll, expect, test } from "vitest";
import { freeze, makeDraft, startDraftsServer, type DraftsServer } from "./drafts-server.ts";

let server: DraftsServer;
beforeAll(async () => {
  server = await startDraftsServer();
});
afterAll(() => server.close());

test("a project is created once, over all tenants", async () => {
  const first = await server.call("POST", "/projects", { body: { slug: "harbour", name: "Harbour" } });
  expect(first).toMatchObject({ status: 201, body: { slug: "harbour", name: "Harbour" } });
  expect(first.headers.get("Location")).toBe("/projects/harbour");
  for (const key of [server.keys.admin, server.keys.foreign]) {
    const again = await server.call("POST", "/projects", { body: { slug: "harbour", name: "Other" }, key });
    expect(again).toMatchObject({ status: 409, body: { code: "project_exists" } });
  }
  expect((await server.call("GET", "/projects/harbour")).body.name).toBe("Harbour");
});

test.each(["", "A", "-a", "a-", "a b", "ä", "a".repeat(64), "production", "jobs", "a/b", 7])(
  "the slug %j is refused",
  async (slug) => {
    const answer = await server.call("POST", "/projects", { body: { slug, name: "x" } });
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_request" } });
  },
);

test("projects are listed in pages, each tenant its own", async () => {
  for (const slug of ["p1", "p2", "p3"]) await server.call("POST", "/projects", { body: { slug, name: slug } });
  const first = await server.call("GET", "/projects?limit=2&after=p0");
  expect(first.body.projects.map((each: { slug: string }) => each.slug)).toEqual(["p1", "p2"]);
  const second = await server.call("GET", `/projects?limit=2&after=${first.body.next}`);
  expect(second.body).toMatchObject({ projects: [{ slug: "p3" }], next: null });
  expect((await server.call("GET", "/projects", { key: server.keys.foreign })).body.projects).toEqual([]);
});

test("versions are numbered without gaps or doubles, however many are created at once", async () => {
  await server.call("POST", "/projects", { body: { slug: "crowd", name: "Crowd" } });
  const made = await Promise.all(Array.from({ length: 8 }, () => server.call("POST", "/projects/crowd/versions")));
  expect(made.map(({ body }) => body.version as number).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  const { body } = await server.call("GET", "/projects/crowd/versions");
  expect(body.versions.map((each: { version: number }) => each.version)).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
});

test("config and layers read back as they were put, and every change bumps the revision", async () => {
  const path = await makeDraft(server, "content");
  const config = { title: { en: "Town", ar: "مدينة" }, center: [1.5, -2], zoom: 1e-7, nothing: null, list: [[]] };
  expect((await server.call("GET", `${path}/config`)).body).toEqual({ config: null, revision: 1 });
  expect((await server.call("PUT", `${path}/config`, { body: config })).body).toEqual({ revision: 2 });
  expect((await server.call("PUT", `${path}/config`, { body: config })).body).toEqual({ revision: 2 });
  expect((await server.call("GET", `${path}/config`)).body).toEqual({ config, revision: 2 });

  const layers = [
    { ref: "water", label: { en: "Water" }, style: { fill: "#08f" }, visible: false },
    { ref: "roads", label: "Roads" },
  ];
  expect((await server.call("PUT", `${path}/layers`, { body: layers })).body).toEqual({ layers: 2, revision: 3 });
  expect((await server.call("GET", `${path}/layers`)).body.layers).toEqual([
    layers[0],
    { ref: "roads", label: { und: "Roads" }, style: null, visible: true },
  ]);
  const detail = await server.call("GET", path);
  expect(detail.body).toMatchObject({
    version: 1,
    status: "draft",
    revision: 3,
    has_config: true,
    layers: 2,
    tiles: null,
  });
});

test.each([
  ["config", [], /object|record/],
  ["config", { a: { b: "\u0000" } }, /NUL/],
  ["config", `{"a": 1e400}`, /too large/],
  ["config", `{"a": "\\ud800"}`, /surrogate/],
  ["config", `${"[".repeat(200)}${"]".repeat(200)}`, /nested|object|record/],
  ["config", `{"__proto__": {"theme": "dark"}}`, /member called __proto__/],
  ["layers", `[{"ref": "a", "label": "x", "style": {"__proto__": {}}}]`, /member called __proto__/],
  ["layers", [{ ref: "a", label: 7 }], /one text, or texts by language tag/],
  [
    "layers",
    [
      { ref: "a", label: "" },
      { ref: "a", label: "" },
    ],
    /used twice/,
  ],
  ["layers", [{ ref: "", label: "x" }], /ref/],
  ["layers", [{ ref: "a", label: "x", colour: "red" }], /colour/],
  ["layers", {}, /array/],
])("bad %s is refused and changes nothing (%#)", async (what, body, reason) => {
  const path = await makeDraft(server, "bad-content");
  const answer = await server.call("PUT", `${path}/${what}`, { body });
  expect(answer).toMatchObject({ status: 400, body: { code: "invalid_request" } });
  expect(JSON.stringify(answer.body)).toMatch(reason);
  expect((await server.call("GET", path)).body.revision).toBe(1);
});

const WRITES = [
  ["config", {}, "application/json"],
  ["layers", [], "application/json"],
  ["overlays", `{"type":"FeatureCollection","features":[]}`, "application/geo+json"],
  ["tiles.dzi", "<a/>", "application/xml"],
  ["tiles/0/0_0.png", "x", "image/png"],
] as const;

test.each(WRITES)("a published version refuses %s", async (what, body, type) => {
  const slug = `frozen-${what.replaceAll(/\W|_/g, "")}`;
  const path = await makeDraft(server, slug);
  await freeze(server, slug);
  const answer = await server.call("PUT", `${path}/${what}`, { body, type });
  expect(answer).toMatchObject({ status: 409, body: { code: "version_published" } });
  expect((await server.call("GET", path)).body.revision).toBe(1);
});

test.each(WRITES)("a foreign tenant finds nothing to put %s into, and a viewer may not", async (what, body, type) => {
  const path = await makeDraft(server, "mine");
  const foreign = await server.call("PUT", `${path}/${what}`, { body, type, key: server.keys.foreign });
  expect(foreign).toMatchObject({ status: 404, body: { code: "project_not_found" } });
  const viewer = await server.call("PUT", `${path}/${what}`, { body, type, key: server.keys.viewer });
  expect(viewer).toMatchObject({ status: 403, body: { code: "forbidden" } });
});

test.each(["", "/versions", "/versions/1", "/versions/1/config", "/versions/1/overlays", "/versions/1/tiles"])(
  "a foreign tenant cannot read /projects/mine%s",
  async (rest) => {
    await makeDraft(server, "mine");
    expect((await server.call("GET", `/projects/mine${rest}`)).status).toBe(200);
    const foreign = await server.call("GET", `/projects/mine${rest}`, { key: server.keys.foreign });
    expect(foreign).toMatchObject({ status: 404, body: { code: "project_not_found" } });
  },
);

test("a version that is not there is told apart from a project that is not", async () => {
  await makeDraft(server, "lone");
  expect((await server.call("GET", "/projects/lone/versions/9")).body.code).toBe("version_not_found");
  expect((await server.call("GET", "/projects/none/versions/1")).body.code).toBe("project_not_found");
  expect((await server.call("GET", "/projects/lone/versions/99999999999")).body.code).toBe("invalid_request");
  const copy = await server.call("POST", "/projects/lone/versions", { body: { copy_from: 9 } });
  expect(copy).toMatchObject({ status: 404, body: { code: "version_not_found" } });
});
