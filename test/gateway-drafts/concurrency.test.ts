/** Two people at one draft: who says what was seen overwrites nobody. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import sharp from "sharp";
import { picture } from "../support/pictures.ts";
import { freeze, makeDraft, startDraftsServer, type Answer, type DraftsServer } from "./drafts-server.ts";

let server: DraftsServer;
let path: string;
let slug: string;
let made = 0;

beforeAll(async () => {
  server = await startDraftsServer();
});
afterAll(() => server?.close());
beforeEach(async () => {
  slug = `shared-${(made += 1)}`;
  path = await makeDraft(server, slug);
  await server.call("PUT", `${path}/tiles.dzi`, { body: dzi(1), type: "application/xml" });
});

const dzi = (width: number) =>
  `<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="png" Overlap="0" TileSize="256"><Size Width="${width}" Height="1"/></Image>`;
const tile = await sharp({ create: { width: 1, height: 1, channels: 3, background: "red" } })
  .png()
  .toBuffer();
const pictures = await Promise.all(Array.from({ length: 8 }, (_, n) => picture(n + 1, 1)));
const feature = (ref: string) =>
  JSON.stringify({
    type: "FeatureCollection",
    features: [
      {
        ...{ type: "Feature", geometry: { type: "Point", coordinates: [1, 2] } },
        properties: { ref, type: "plot", label: { en: ref } },
      },
    ],
  });

/** Every route that edits a draft: its path, and what to send; each number is another content. */
const EDITS: Record<string, (n: number) => { at: string; body: unknown; type?: string }> = {
  config: (n) => ({ at: "/config", body: { title: `Town ${n}` } }),
  layers: (n) => ({ at: "/layers", body: [{ ref: `layer-${n}`, label: { en: "Layer" } }] }),
  overlays: (n) => ({ at: "/overlays", body: feature(`plot-${n}`), type: "application/geo+json" }),
  descriptor: (n) => ({ at: "/tiles.dzi", body: dzi(n + 2), type: "application/xml" }),
  source: (n) => ({ at: "/source", body: pictures[n % pictures.length]!, type: "image/png" }),
  tile: () => ({ at: "/tiles/0/0_0.png", body: tile, type: "image/png" }),
};
const edits = Object.keys(EDITS);

const edit = (what: string, n: number, headers: Record<string, string> = {}): Promise<Answer> => {
  const { at, ...sent } = EDITS[what]!(n);
  return server.call("PUT", path + at, { ...sent, headers });
};
const tagOf = (answer: Answer): string => answer.headers.get("ETag") ?? "";
const read = (part = "", headers: Record<string, string> = {}) => server.call("GET", path + part, { headers });
const READS = ["", "/config", "/layers", "/overlays", "/tiles", "/tiles?manifest=1", "/tiles.dzi"];

describe("If-Match", () => {
  it.each(edits)(
    "lets an edit of the %s through at the revision that was seen, and answers the next tag",
    async (what) => {
      const seen = tagOf(await read());
      const edited = await edit(what, 1, { "If-Match": seen });
      expect(edited.status).toBe(200);
      expect(tagOf(edited)).not.toBe(seen);
      expect(tagOf(await read())).toBe(tagOf(edited));
    },
  );

  it.each(edits)(
    "refuses an edit of the %s at any other: both revisions are told, nothing has changed",
    async (what) => {
      const seen = tagOf(await read());
      await server.call("PUT", `${path}/config`, { body: { title: "Somebody else's" } });
      const before = await everything();
      const { status, body } = await edit(what, 1, { "If-Match": seen });
      expect([status, body.code]).toEqual([412, "precondition_failed"]);
      const now = before.version.revision as number;
      expect(body.facts).toMatchObject({ revision: now, expected: `revision ${now - 1}` });
      expect(await everything()).toEqual(before);
    },
  );

  it.each(edits)("of * lets an edit of the %s through whatever it is", async (what) => {
    expect((await edit(what, 1, { "If-Match": "*" })).status).toBe(200);
  });

  it.each(edits)("of two who edit the %s at once from one revision, exactly one wins", async (what) => {
    for (let round = 0; round < 3; round += 1) {
      const seen = tagOf(await read());
      const both = await Promise.all([
        edit(what, 10 * round + 1, { "If-Match": seen }),
        // A tile that is there with the same bytes is no edit: what races with it is one.
        edit(what === "tile" ? "config" : what, 10 * round + 2, { "If-Match": seen }),
      ]);
      const statuses = both.map(({ status }) => status).toSorted((one, other) => one - other);
      if (what !== "tile" || round === 0) expect(statuses).toEqual([200, 412]);
      const winner = both.find(({ status }) => status === 200)!;
      if (what !== "tile") expect(tagOf(await read())).toBe(tagOf(winner));
    }
  });

  it("is held under the lock: of eight editors that all have passed the first look, one wins", async () => {
    const seen = tagOf(await read());
    const all = await Promise.all(Array.from({ length: 8 }, (_, n) => edit("layers", n, { "If-Match": seen })));
    expect(all.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(all.filter(({ status }) => status === 412)).toHaveLength(7);
    expect((await read()).body.revision).toBe(Number(/-(\d+)"$/.exec(seen)![1]) + 1);
  });

  it("holds who takes the source picture away to it, too", async () => {
    const seen = tagOf(await edit("source", 1));
    const take = (tag: string) => server.call("DELETE", `${path}/source`, { headers: { "If-Match": tag } });
    await edit("config", 1);
    expect((await take(seen)).body).toMatchObject({ code: "precondition_failed" });
    const picture = await read("/source");
    expect(picture.status).toBe(200);
    const taken = await take(tagOf(picture));
    expect([taken.status, tagOf(taken)]).toEqual([200, tagOf(await read())]);
  });

  it("takes a list of which one is enough", async () => {
    const seen = tagOf(await read());
    expect((await edit("config", 1, { "If-Match": `"other", ${seen}` })).status).toBe(200);
  });

  it.each([
    ["a weak tag", (tag: string) => `W/${tag}`],
    ["a tag of nothing", () => '"x"'],
    ["an empty tag", () => '""'],
    ["a tag of another version", () => '"0193a000-0000-7000-8000-000000000000-1"'],
    ["another spelling of the number", (tag: string) => tag.replace(/-(\d+)"$/, '-0$1"')],
  ])("never matches %s", async (_, spelt) => {
    const { status, body } = await edit("config", 1, { "If-Match": spelt(tagOf(await read())) });
    expect([status, body.code]).toEqual([412, "precondition_failed"]);
  });

  it.each(["revision 1", '"open', "7", '"a" "b"', "*, *"])("refuses what is no list of tags: %s", async (header) => {
    const { status, body } = await edit("config", 1, { "If-Match": header });
    expect([status, body.code, body.errors[0].code]).toEqual([400, "invalid_request", "invalid_header"]);
  });

  it("of a published version is refused as published: no revision makes it a draft again", async () => {
    const seen = tagOf(await read());
    await freeze(server, slug);
    const { status, body } = await edit("config", 1, { "If-Match": seen });
    expect([status, body.code]).toEqual([409, "version_published"]);
    expect(tagOf(await read())).not.toBe(seen);
  });

  it("left away changes whatever is there, as before", async () => {
    await edit("config", 1);
    expect((await edit("config", 2)).status).toBe(200);
  });
});

describe("If-None-Match", () => {
  it.each(READS)("answers 304 for %s while it is what the client has, and all of it once it is not", async (part) => {
    const first = await read(part);
    expect(first.status).toBe(200);
    const known = await read(part, { "If-None-Match": tagOf(first) });
    expect([known.status, known.body, tagOf(known)]).toEqual([304, "", tagOf(first)]);
    expect((await read(part, { "If-None-Match": `W/${tagOf(first)}, "other"` })).status).toBe(304);
    await edit("config", 3);
    const now = await read(part, { "If-None-Match": tagOf(first) });
    expect([now.status, tagOf(now) === tagOf(first)]).toEqual([200, false]);
  });

  it("is a tag that other versions never have", async () => {
    await server.call("POST", `/projects/${slug}/versions`, { body: { copy_from: 1 } });
    const copy = await server.call("GET", `/projects/${slug}/versions/2`);
    expect(tagOf(copy)).not.toBe(tagOf(await read()));
  });
});

/** The draft as a reader sees it. */
async function everything() {
  const [version, config, layers, overlays, tiles] = await Promise.all(
    ["", "/config", "/layers", "/overlays", "/tiles"].map(async (part) => (await read(part)).body),
  );
  return { version, config, layers, overlays, tiles };
}
