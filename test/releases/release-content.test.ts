import canonicalize from "canonicalize";
import fc from "fast-check";
import { text } from "node:stream/consumers";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { query, snapshot } from "../../src/db.ts";
import { canonicalText } from "../../src/json/canonical-text.ts";
import { copyContent, findVersion } from "../../src/projects/version-store.ts";
import type { Overlay } from "../../src/projects/overlay-store.ts";
import { releaseContent } from "../../src/releases/release-content.ts";
import { describeTiles } from "../../src/releases/release-tiles.ts";
import { createDraft, createPublishing, type Draft, type Publishing } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";

let room: Publishing;
beforeAll(async () => {
  room = await createPublishing({ executions: scriptedExecutions() });
});
afterAll(() => room?.close());

async function content(draft: Draft, onOverlays?: (count: number) => void): Promise<string> {
  const db = room.database.em.fork();
  const version = await findVersion(db, { tenant_id: draft.tenant_id, project: draft.project, version: 1 });
  return snapshot(room.database, async (view) => {
    const { part } = await describeTiles(view, version, new AbortController().signal);
    return text(Readable.from(releaseContent(view, version, part, onOverlays), { objectMode: false }));
  });
}

/** As rows are that other rules, or none, were written by. */
const forget = (draft: Draft, which = "true") =>
  query(
    room.database.em.fork(),
    `update overlays set formatted = 0, release_text = null where version_id = $1 and ${which}`,
    [draft.version_id],
  );

const text12 = fc.string({ unit: "grapheme", maxLength: 12 }).map((each) => each.replaceAll("\0", "").toWellFormed());
const name = fc.oneof(
  text12,
  fc.constantFrom("b", "a", "10", "9", "é", "\u{10000}", "\uFB33", "a\u2028", "constructor"),
);
const membersOf = (names: fc.Arbitrary<string>, values: fc.Arbitrary<unknown>, maxKeys: number) =>
  fc.dictionary(names, values, { maxKeys, noNullPrototype: true });
const jsonOf = (names: fc.Arbitrary<string>) =>
  fc.letrec<{ json: unknown }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.oneof(
        text12,
        fc.boolean(),
        fc.constant(null),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer(),
      ),
      fc.array(tie("json"), { maxLength: 4 }),
      membersOf(names, tie("json"), 5),
    ),
  })).json;

/** What can be kept: every way in refuses the rest (`storable-json.ts`). */
const keptName = name.filter((each) => each !== "__proto__");
const object = membersOf(keptName, jsonOf(keptName), 6);
const coordinate = fc.double({ min: -1e9, max: 1e9, noNaN: true });
const overlay: fc.Arbitrary<Overlay> = fc.record({
  ref: text12.map((each) => `r${each}`),
  type: text12.map((each) => `t${each}`),
  layer: fc.option(text12),
  label: fc.dictionary(fc.constantFrom("en", "ar", "und", "zh-Hant"), text12, { noNullPrototype: true }),
  geometry: fc
    .array(fc.tuple(coordinate, coordinate), { minLength: 2, maxLength: 5 })
    .map((coordinates) => ({ type: "LineString", coordinates })),
  properties: object,
  style: fc.option(object),
  visible: fc.boolean(),
});

describe("the canonical text", () => {
  it("is that of the library, for any JSON", () => {
    fc.assert(
      fc.property(jsonOf(name), (value) => {
        expect(canonicalText(value)).toBe(canonicalize(value));
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    [`{"10":1,"9":2,"a":{"2":1,"10":2}}`],
    [`{"__proto__":{"b":1,"a":2},"_":1}`],
    [`{"b":[{"d":1,"c":-0}],"a":1e21}`],
  ])("is that of the library for %s", (source) => {
    const value = JSON.parse(source) as unknown;
    expect(canonicalText(value)).toBe(canonicalize(value));
  });
});

describe("the content of a release", () => {
  it("is the same, made of texts that were kept and of overlays themselves", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(overlay, { minLength: 1, maxLength: 30 }), async (overlays) => {
        const draft = await createDraft(room, { overlays, descriptor: ONE_TILE });
        const [kept, parsed] = [await content(draft), overlays.filter(({ visible }) => visible)];
        expect(JSON.parse(kept).overlays).toHaveLength(parsed.length);
        await forget(draft, "sort_order % 2 = 0");
        expect(await content(draft)).toBe(kept);
        await forget(draft);
        expect(await content(draft)).toBe(kept);
      }),
      { numRuns: 40 },
    );
  });

  it("is the same over many pages, of which some have a text to be made, and counts what went by", async () => {
    const overlays = Array.from({ length: 5_001 }, (_, at) => ({
      ref: `o${at}`,
      visible: at % 10 > 0,
      // Larger than a page by itself.
      properties: at > 0 && at % 2_501 === 0 ? { large: "x".repeat(3_000_000) } : {},
    }));
    const draft = await createDraft(room, { overlays, descriptor: ONE_TILE });
    const counts: number[] = [];
    const kept = await content(draft, (count) => counts.push(count));
    expect(counts.at(-1)).toBe(overlays.filter(({ visible }) => visible).length);
    expect(counts.length).toBeGreaterThan(3);
    const refs = (JSON.parse(kept) as { overlays: { ref: string }[] }).overlays.map(({ ref }) => ref);
    expect(refs).toEqual(overlays.filter(({ visible }) => visible).map(({ ref }) => ref));
    await forget(draft, "sort_order > 3000");
    expect(await content(draft)).toBe(kept);
  });

  it("goes on over gaps of any width", async () => {
    const draft = await createDraft(room, { overlays: [{}, { visible: false }, {}, {}], descriptor: ONE_TILE });
    const kept = await content(draft);
    const move = `update overlays set sort_order = sort_order * 1000 + case ref when 'plot-4' then 2000000000 else 0 end where version_id = $1`;
    await query(room.database.em.fork(), move, [draft.version_id]);
    expect(await content(draft)).toBe(kept);
    await forget(draft);
    expect(await content(draft)).toBe(kept);
  });

  it("is the same of a copy, whose texts are copied", async () => {
    const draft = await createDraft(room, { descriptor: ONE_TILE });
    const copy = await createDraft(room, { project: draft, overlays: [], descriptor: ONE_TILE, config: null });
    const db = room.database.em.fork();
    await query(db, `delete from tile_sets where version_id = $1`, [copy.version_id]);
    await copyContent(db, { tenant_id: draft.tenant_id, from: draft.version_id, to: copy.version_id });
    const rows = (id: string) =>
      query(db, `select sort_order, release_text, formatted, checked, geometry_problem from overlays where version_id = $1`, [id]); // prettier-ignore
    expect(await rows(copy.version_id)).toEqual(await rows(draft.version_id));
    expect(await rows(copy.version_id)).toHaveLength(2);
  });

  it("is refused with the place of what its schema does not allow", async () => {
    const draft = await createDraft(room, { overlays: [{}, { ref: "b", type: "" }], descriptor: ONE_TILE });
    await expect(content(draft)).rejects.toMatchObject({
      code: "release_invalid",
      facts: { path: "/overlays/b/type" },
    });
  });
});

const ONE_TILE = { width: 1, height: 1, tile_size: 256, overlap: 0, format: "png" } as const;
