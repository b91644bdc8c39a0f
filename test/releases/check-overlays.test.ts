import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { query, queryOne, transaction } from "../../src/db.ts";
import { createGeometryThreads } from "../../src/geometry/geometry-threads.ts";
import { RULES } from "../../src/projects/derive-overlay.ts";
import type { Overlay } from "../../src/projects/overlay-store.ts";
import { keepVerdicts, openOverlays } from "../../src/projects/overlay-verdict-store.ts";
import { findVersion } from "../../src/projects/version-store.ts";
import { validateVersion, type ValidateOptions } from "../../src/releases/validate-version.ts";
import { createDraft, createPublishing, type Draft, type Publishing } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";

let room: Publishing;
let draft: Draft;
beforeAll(async () => {
  room = await createPublishing({ executions: scriptedExecutions() });
});
afterAll(() => room?.close());

const polygon = (...ring: number[][]) => ({ type: "Polygon", coordinates: [[...ring, ring[0]]] });
const square = polygon([0, 0], [10, 0], [10, 10], [0, 10]);
const bowTie = polygon([0, 0], [10, 10], [10, 0], [0, 10]);
/** Too many vertices to be told at once, and 50 ms of JTS. */
const circle = (vertices = 2_000) =>
  polygon(
    ...Array.from({ length: vertices }, (_, at) => {
      const angle = (at / vertices) * 2 * Math.PI;
      return [Math.cos(angle), Math.sin(angle)];
    }),
  );

async function make(overlays: Partial<Overlay>[]): Promise<void> {
  draft = await createDraft(room, { overlays });
}

async function validate(options: ValidateOptions = {}) {
  const db = room.database.em.fork();
  const version = await findVersion(db, { tenant_id: draft.tenant_id, project: draft.project, version: 1 });
  return validateVersion(db, room.stores, version, options);
}

/** Of the first overlay. */
async function derived() {
  return queryOne<{ formatted: number; checked: number; release_text: string | null; geometry_problem: string | null }>(
    room.database.em.fork(),
    `select formatted, checked, release_text, geometry_problem from overlays where version_id = $1 order by sort_order limit 1`,
    [draft.version_id],
  );
}

/** As rows are that other rules, or none, were written by. */
const forget = () =>
  query(
    room.database.em.fork(),
    `update overlays set checked = 0, geometry_problem = null, formatted = 0, release_text = null where version_id = $1`,
    [draft.version_id],
  );

describe("the verdict on a geometry", () => {
  it("is given when the overlay is written, where no topology library is needed", async () => {
    await make([{ geometry: square }]);
    expect(await derived()).toMatchObject({
      checked: RULES.checked,
      formatted: RULES.formatted,
      geometry_problem: null,
    });
    await make([{ geometry: { type: "Point", coordinates: [] } }]);
    expect(await derived()).toMatchObject({ checked: RULES.checked, geometry_problem: "coordinates has 0 numbers; a position has 2 or 3" }); // prettier-ignore
    await make([{ geometry: bowTie }]);
    expect(await derived()).toMatchObject({ checked: 0, geometry_problem: null, formatted: RULES.formatted });
  });

  it("is the same, in the same order, whenever it is given", async () => {
    await make([
      { ref: "a", geometry: bowTie, layer: "nowhere" },
      { ref: "b", geometry: { type: "Point", coordinates: [1e308, 0] } },
      { ref: "c" },
      { ref: "d", layer: "nowhere" },
      { ref: "e", geometry: circle() },
      { ref: "c", geometry: polygon([0, 0], [1, 1], [0, 0]) },
    ]);
    const first = await validate();
    expect(first.problems.map(({ code, path }) => [code, path])).toEqual([
      ["geometry_invalid", "/overlays/a/geometry"],
      ["layer_unknown", "/overlays/a/layer"],
      ["geometry_invalid", "/overlays/b/geometry"],
      ["layer_unknown", "/overlays/d/layer"],
      ["geometry_invalid", "/overlays/c/geometry"],
      ["duplicate_ref", "/overlays/c/ref"],
    ]);
    expect(first.problems[0]?.message).toBe("The geometry is not valid. Self-intersection at 5, 5.");
    await forget();
    expect(await validate()).toEqual(first);
    expect(await validate({ keepVerdicts: true })).toEqual(first);
    expect(await validate()).toEqual(first);
  });

  it("stops at a thousand problems, and says that there are more", async () => {
    await make(
      Array.from({ length: 1_200 }, (_, at) => ({ ref: `o${at}`, geometry: at % 2 ? bowTie : {}, layer: "x" })),
    );
    const { problems } = await validate();
    expect(problems).toHaveLength(1_001);
    expect(problems[0]).toMatchObject({ code: "geometry_invalid", path: "/overlays/o0/geometry" });
    expect(problems[999]).toMatchObject({ code: "layer_unknown", path: "/overlays/o499/layer" });
    expect(problems[1_000]?.message).toBe("There are at least 1400 more problems.");
  });
});

it("finds open overlays wherever they are, over gaps of any width", async () => {
  await make([
    { ref: "a", geometry: bowTie },
    { ref: "b" },
    { ref: "c", geometry: bowTie },
    { ref: "d", geometry: bowTie },
  ]);
  const move = `update overlays set sort_order = sort_order * 5000 + case ref when 'd' then 2000000000 else 0 end where version_id = $1`;
  await query(room.database.em.fork(), move, [draft.version_id]);
  expect((await validate()).problems.map(({ path }) => path)).toEqual(["a", "c", "d"].map((ref) => `/overlays/${ref}/geometry`)); // prettier-ignore
});

describe("a verdict that a publish had to find", () => {
  beforeEach(() => make([{ geometry: circle(200) }, { geometry: bowTie }]));

  it("is written down, and neither the draft nor its revision changes", async () => {
    await validate();
    expect(await derived()).toMatchObject({ checked: 0 });
    await validate({ keepVerdicts: true });
    expect(await derived()).toMatchObject({
      checked: RULES.checked,
      geometry_problem: null,
      formatted: RULES.formatted,
    });
    const db = room.database.em.fork();
    const version = await findVersion(db, { tenant_id: draft.tenant_id, project: draft.project, version: 1 });
    expect(version.revision).toBe(1);
    expect(await openOverlays(db, draft.version_id, { after: -1, span: 100, rows: 10, bytes: 1e6 })).toEqual([]);
  });

  it("is not written down on content that is another by now", async () => {
    const db = room.database.em.fork();
    const [first] = await openOverlays(db, draft.version_id, { after: -1, span: 100, rows: 10, bytes: 1e6 });
    await query(db, `update overlays set properties = '{"new": true}' where version_id = $1`, [draft.version_id]);
    await keepVerdicts(db, draft.version_id, [{ ...first!, problem: null }]);
    expect(await derived()).toMatchObject({ checked: 0 });
  });

  it("gives way to an edit under way", async () => {
    const db = room.database.em.fork();
    const open = await openOverlays(db, draft.version_id, { after: -1, span: 100, rows: 10, bytes: 1e6 });
    const verdicts = open.map((each) => ({ ...each, problem: null }));
    await transaction(room.database, async (edit) => {
      await query(edit, `select 1 from versions where id = $1 for no key update`, [draft.version_id]);
      await keepVerdicts(db, draft.version_id, verdicts);
      expect(await derived()).toMatchObject({ checked: 0 });
    });
  });
});

describe("what is derived from an overlay", () => {
  const update = (set: string) =>
    query(room.database.em.fork(), `update overlays set ${set} where version_id = $1`, [draft.version_id]);
  beforeEach(() => make([{ geometry: square }]));

  it.each([
    `geometry = '{"type": "Point", "coordinates": [1, 2]}'`,
    `ref = 'other'`,
    `type = 'other'`,
    `layer = 'other'`,
    `label = '{"en": "other"}'`,
    `properties = '{"a": 1}'`,
    `style = '{"a": 1}'`,
    `geometry = '{"type": "Point"}', checked = 1`,
  ])("is forgotten when SQL of others changes the content: %s", async (set) => {
    await update(set);
    expect(await derived()).toEqual({ formatted: 0, checked: 0, release_text: null, geometry_problem: null });
  });

  it.each([`visible = false`, `geometry = geometry`, `sort_order = 7`])(
    "stays with content that stays: %s",
    async (set) => {
      const before = await derived();
      await update(set);
      expect(await derived()).toEqual(before);
    },
  );

  it("can be written together with its content", async () => {
    await update(`ref = 'other', release_text = '{"ref":"other"}'`);
    expect(await derived()).toMatchObject({ formatted: RULES.formatted, release_text: '{"ref":"other"}' });
  });
});

describe("large geometries", () => {
  it("leave the event loop to others, and end with the signal", { timeout: 60_000 }, async () => {
    await make([{ geometry: circle(60_000) }]);
    // What this thread itself computes in one turn: the machine may be busy with other things.
    let [busy, before] = [0, process.threadCpuUsage()];
    const turn = setInterval(() => {
      const { user, system } = process.threadCpuUsage(before);
      busy = Math.max(busy, (user + system) / 1_000);
      before = process.threadCpuUsage();
    }, 1);
    expect((await validate()).problems).toEqual([]);
    clearInterval(turn);
    // Measured: 25 ms, for the text on its way; on this thread JTS would take 300.
    expect(busy).toBeLessThan(150);

    const stop = new AbortController();
    const cancelled = validate({ signal: stop.signal });
    setTimeout(() => stop.abort(new Error("gone")), 50);
    await expect(cancelled).rejects.toThrow("gone");
  });

  it("are given up when they take too long, and those beside them are not", { timeout: 60_000 }, async () => {
    const zigzag = Array.from({ length: 20_000 }, (_, at) => [at, at % 2]);
    const endless = JSON.stringify(polygon(...zigzag, [20_000, 3], [0, 3]));
    const threads = createGeometryThreads({ limitMs: 1_000 });
    const texts = [JSON.stringify(bowTie), endless, JSON.stringify(circle(300))];
    expect(await threads.problems(texts)).toEqual(["Self-intersection at 5, 5", undefined, null]);
  });
});
