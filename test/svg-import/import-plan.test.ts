/** A plan's import as a job: what becomes of the draft, whatever happens on the way. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SvgImportResult } from "../../contract/svg-import.ts";
import { query, transaction } from "../../src/db.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { artifactKey } from "../../src/storage/keys.ts";
import { createChaosRoom, messages, type ChaosRoom } from "../support/chaos-room.ts";
import { uploadPlan } from "../support/job-samples/svg-import.ts";
import { startSample, versionOf } from "../support/job-samples/sample.ts";
import { createDraft, jobRow, SMALL, until, type Draft } from "../support/publishing.ts";
import { svg } from "../svg/plan-of.ts";

let room: ChaosRoom;
beforeAll(async () => {
  room = await createChaosRoom();
  await room.worker();
}, 60_000);
afterAll(() => room?.close());

const rect = (id: string, x: number, more = ""): string =>
  `<rect id="${id}" x="${x}" y="5" width="10" height="10" ${more}/>`;
const newDraft = (): Promise<Draft> => createDraft(room, { descriptor: SMALL, overlays: [] });

interface Row {
  ref: string;
  layer: string | null;
  label: Record<string, string>;
  properties: Record<string, unknown>;
  visible: boolean;
  checked: number;
}

const overlays = (draft: Draft): Promise<Row[]> =>
  query(
    room.database.em.fork(),
    `select ref, layer, label, properties, visible, checked from overlays where version_id = $1 order by sort_order`,
    [draft.version_id],
  );
const revision = async (draft: Draft): Promise<number | undefined> =>
  (
    await query<{ revision: number }>(room.database.em.fork(), `select revision from versions where id = $1`, [
      draft.version_id,
    ])
  )[0]?.revision;

async function errors(job: string): Promise<unknown[]> {
  const sql = `select errors from jobs where id = $1`;
  return (await query<{ errors: unknown[] }>(room.database.em.fork(), sql, [job]))[0]?.errors ?? [];
}

async function start(draft: Draft, plan: string | Uint8Array, more: object = {}, begin = true): Promise<string> {
  const source = { artifact: await uploadPlan(room, draft, plan) };
  const payload = { project: draft.project, version: await versionOf(room, draft), source, ...more };
  return startSample(room, draft, { type: "svg_import", payload, start: begin });
}

async function run(draft: Draft, plan: string | Uint8Array, more: object = {}) {
  const job = await start(draft, plan, more);
  const row = await room.ended(job, 60_000);
  return { job, row, result: row.result as unknown as SvgImportResult };
}

async function lines(id: string | null): Promise<unknown[]> {
  const found = await room.stores.private.get(artifactKey("harbour", id ?? ""));
  if (!found) throw new Error(`no artifact ${id}`);
  return (await text(found.body))
    .split("\n")
    .filter(Boolean)
    .map((line): unknown => JSON.parse(line));
}

it("importing again updates by ref and says what changed; what the plan does not say stays", async () => {
  const draft = await newDraft();
  const first = await run(
    draft,
    svg(`<g id="Plots">${rect("a", 0, `data-area="5" aria-label="A"`)}${rect("b", 20)}${rect("c", 40)}</g>`),
  );
  expect(first.row.status).toBe("completed");
  expect(first.result).toMatchObject({
    added: 3,
    changed: 0,
    unchanged: 0,
    kept: 0,
    left_out: 0,
    errors_artifact: null,
    layers: ["Plots"],
  });
  const db = room.database.em.fork();
  await query(
    db,
    `update overlays set properties = properties || '{"price": 9}', visible = false where version_id = $1 and ref = 'a'`,
    [draft.version_id],
  );
  const before = await revision(draft);

  const second = await run(
    draft,
    svg(`<g id="Plots">${rect("a", 0, `data-area="6"`)}${rect("b", 20)}${rect("d", 60)}</g>`),
  );
  expect(second.result).toMatchObject({ added: 1, changed: 1, unchanged: 1, kept: 1 });
  expect(await lines(second.result.changes)).toEqual([
    { ref: "a", change: "changed" },
    { ref: "d", change: "added" },
    { ref: "c", change: "kept" },
  ]);
  const [a, ...others] = await overlays(draft);
  expect(a).toMatchObject({ ref: "a", label: { und: "A" }, properties: { area: 6, price: 9 }, visible: false });
  expect(others.map(({ ref }) => ref)).toEqual(["b", "c", "d"]);
  expect(await revision(draft)).toBe((before ?? 0) + 1);

  const third = await run(
    draft,
    svg(`<g id="Plots">${rect("a", 0, `data-area="6"`)}${rect("b", 20)}${rect("d", 60)}</g>`),
  );
  expect(third.result).toMatchObject({ added: 0, changed: 0, unchanged: 3, kept: 1 });
  expect(await revision(draft)).toBe((before ?? 0) + 1);
});

it("a dry run says the same and changes nothing", async () => {
  const draft = await newDraft();
  await run(draft, svg(rect("a", 0)));
  const before = { overlays: await overlays(draft), revision: await revision(draft) };
  const dry = await run(draft, svg(rect("a", 9) + rect("b", 20)), { dry_run: true });
  expect(dry.result).toMatchObject({ dry_run: true, added: 1, changed: 1 });
  expect({ overlays: await overlays(draft), revision: await revision(draft) }).toEqual(before);
  expect(dry.row.message).toMatch(/^Would be: 1 overlays added, 1 changed/);
});

it("what cannot be imported is told with its place, in the job and in full in an artifact", async () => {
  const draft = await newDraft();
  const { row, result } = await run(draft, svg(rect("a", 0) + `\n<image href="x.png"/>`.repeat(30)));
  expect(row.status).toBe("partially_completed");
  expect(result).toMatchObject({ added: 1, left_out: 30 });
  expect(await lines(result.errors_artifact)).toHaveLength(30);
  const told = await errors(row.id);
  expect(told).toHaveLength(21);
  expect(told[0]).toMatchObject({ code: "svg_element_unsupported", path: "/line/2/column/1", value: "x.png" });
  expect(told[20]).toMatchObject({ message: "There are 10 more; the artifact of errors has them." });
});

it("an imported plan is published, with its overlays and their labels", async () => {
  const draft = await newDraft();
  await run(draft, svg(`<g id="Plots">${rect("a", 0, `aria-label="One"`)}<circle id="b" cx="50" cy="50" r="20"/></g>`));
  expect((await overlays(draft)).every(({ checked }) => checked > 0)).toBe(true);
  const job = await room.publish(draft);
  const row = await room.ended(job, 60_000);
  expect(row.status, row.message ?? "").toBe("completed");
  const live = await room.stores.public.getPointer("dev", draft.project);
  const release = JSON.parse(await text(live!.body)) as {
    layers: { ref: string }[];
    overlays: { ref: string; layer: string; label: object }[];
  };
  expect(release.layers.map(({ ref }) => ref)).toEqual(["Plots"]);
  expect(release.overlays.map(({ ref, layer, label }) => [ref, layer, label])).toEqual([
    ["a", "Plots", { und: "One" }],
    ["b", "Plots", {}],
  ]);
});

it("the draft changes in the very commit that ends the job: whoever dies then has done it, once", async () => {
  const draft = await newDraft();
  const job = await start(draft, svg(rect("a", 0) + rect("b", 20)), {}, false);
  const gate = await room.gates.close({ job_id: job, kind: "status", data: { status: "completed" } });
  await startJob(room.deps, job, 1);
  await gate.reached();
  expect(await overlays(draft)).toHaveLength(0);
  await room.killWorkers();
  await gate.open();
  // Nobody is there to end it: a cancel would come too late.
  expect([(await jobRow(room, job)).status, (await overlays(draft)).length]).toEqual(["completed", 2]);
  await room.worker();
  const row = await room.ended(job, 60_000);
  expect(row).toMatchObject({ status: "completed", result: { added: 2, unchanged: 0 } });
  expect((await messages(room, job)).filter((message) => message.startsWith("2 overlays added"))).not.toHaveLength(0);
}, 60_000);

it("an attempt that is too late for the job leaves the draft as it was", async () => {
  const draft = await newDraft();
  const job = await start(draft, svg(rect("a", 0)), {}, false);
  // Somebody else edits the draft: the import has read its plan, and waits for the version.
  await transaction(room.database, async (tx) => {
    await query(tx, `select 1 from versions where id = $1 for no key update`, [draft.version_id]);
    await startJob(room.deps, job, 1);
    const waiting = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
    await until("the import to wait", async () => (await query(room.database.em.fork(), waiting)).length > 0);
    const { workflow_id } = await jobRow(room, job);
    await room.temporal.client.workflow.getHandle(workflow_id).terminate("by hand");
    await room.reconciler.round();
    expect((await room.ended(job, 10_000)).status).toBe("cancelled");
  });
  // It has had its turn when the next one has.
  const next = await run(draft, svg(rect("b", 0)));
  expect(next.result).toMatchObject({ added: 1, kept: 0 });
  expect((await overlays(draft)).map(({ ref }) => ref)).toEqual(["b"]);
}, 60_000);

it("a plan whose time is nearly over when its import begins stays for as long as one that was just uploaded", async () => {
  const draft = await newDraft();
  const artifact = await uploadPlan(room, draft, svg(rect("a", 0)));
  const db = room.database.em.fork();
  await query(db, `update artifacts set expires_at = now() + interval '1 minute' where id = $1`, [artifact]);
  const payload = { project: draft.project, version: await versionOf(room, draft), source: { artifact } };
  const job = await startSample(room, draft, { type: "svg_import", payload });
  expect((await room.ended(job, 60_000)).status).toBe("completed");
  const kept = `select expires_at > now() + make_interval(days => $2, hours => -1) as kept from artifacts where id = $1`;
  expect(await query(db, kept, [artifact, room.config.PLATEN_UPLOAD_DAYS])).toEqual([{ kept: true }]);
});

describe("a source that cannot be used", () => {
  const fails = async (job: string): Promise<[string | null, string]> => {
    const row = await room.ended(job, 60_000);
    const [more] = await query<{ error: string }>(room.database.em.fork(), `select error from jobs where id = $1`, [
      job,
    ]);
    expect(row.status).toBe("failed");
    return [row.error_code, more?.error ?? ""];
  };

  it("is nobody's, or has expired", async () => {
    const draft = await newDraft();
    const payload = { project: draft.project, version: await versionOf(room, draft) };
    const nobody = "00000000-0000-4000-8000-000000000000";
    const job = await startSample(room, draft, {
      type: "svg_import",
      payload: { ...payload, source: { artifact: nobody } },
    });
    expect((await fails(job))[0]).toBe("svg_source_missing");
    const artifact = await uploadPlan(room, draft, svg(rect("a", 0)));
    await query(
      room.database.em.fork(),
      `update artifacts set expires_at = now() - interval '1 second' where id = $1`,
      [artifact],
    );
    const late = await startSample(room, draft, { type: "svg_import", payload: { ...payload, source: { artifact } } });
    expect(await fails(late)).toEqual(["svg_source_missing", expect.stringContaining(artifact)]);
  });

  it("has changed since it was uploaded", async () => {
    const draft = await newDraft();
    const job = await start(draft, svg(rect("a", 0)), {}, false);
    const [row] = await query<{ payload: { source: { artifact: string } } }>(
      room.database.em.fork(),
      `select payload from jobs where id = $1`,
      [job],
    );
    const path = join(room.storeFolder, "private", artifactKey("harbour", row?.payload.source.artifact ?? ""));
    await writeFile(path, (await readFile(path, "utf8")).replace("rect", "Rect"));
    await startJob(room.deps, job, 1);
    expect(await fails(job)).toEqual(["svg_source_damaged", expect.stringContaining("its bytes have changed")]);
  });

  it("is too large by its record, which is told without reading it", async () => {
    const draft = await newDraft();
    const artifact = await uploadPlan(room, draft, svg(rect("a", 0)));
    await query(room.database.em.fork(), `update artifacts set size = 200000000 where id = $1`, [artifact]);
    const payload = { project: draft.project, version: await versionOf(room, draft), source: { artifact } };
    expect((await fails(await startSample(room, draft, { type: "svg_import", payload })))[0]).toBe("svg_too_large");
  });

  it.each([
    ["empty", "", "svg_invalid", "it is empty, at line 1, column 1"],
    ["cut off", svg(rect("a", 0)).slice(0, -3), "svg_invalid", "at line 1"],
    [
      "the billion laughs",
      `<!DOCTYPE svg [<!ENTITY a "x"><!ENTITY b "&a;&a;">]>${svg("<text>&b;</text>")}`,
      "svg_invalid",
      "undefined entity",
    ],
    ["deep", svg("<g>".repeat(1_000)), "svg_too_complex", "more than 256 elements"],
  ])("is %s: the draft is unchanged, and the next import works", async (_, plan, code, reason) => {
    const draft = await newDraft();
    await run(draft, svg(rect("a", 0)));
    const before = await overlays(draft);
    expect(await fails(await start(draft, plan))).toEqual([code, expect.stringContaining(reason)]);
    expect(await overlays(draft)).toEqual(before);
    expect((await run(draft, svg(rect("a", 0)))).result).toMatchObject({ unchanged: 1 });
  });
});

it("layers of several plans are as many as a version may have; what is in the others is imported without one", async () => {
  const draft = await newDraft();
  const plan = (prefix: string): string =>
    svg(
      Array.from({ length: 600 }, (_, at) => {
        const [one, two] = [rect(`${prefix}-${at}`, at), rect(`${prefix}-${at}-b`, at, `aria-label="${at}"`)];
        return `\n<g id="L${at}">${one}${two}</g>`;
      }).join(""),
    );
  const [above, below] = [plan("above"), plan("below")];
  expect((await run(draft, above, { layer_prefix: "above-" })).row.status).toBe("completed");
  const { row, result } = await run(draft, below, { layer_prefix: "below-" });
  expect(row.status).toBe("partially_completed");
  expect(result).toMatchObject({ added: 1_200, left_out: 200 });
  expect(result.layers).toHaveLength(400);
  const leftOut = await lines(result.errors_artifact);
  expect(leftOut).toHaveLength(200);
  expect(leftOut[0]).toMatchObject({ code: "svg_layers_too_many", element: "g", id: "L400", line: 402, column: 1 });
  expect((await errors(row.id)).slice(0, 1)).toMatchObject([
    {
      code: "svg_layers_too_many",
      path: "/line/402/column/1",
      message: expect.stringContaining("at most 1000 layers"),
    },
  ]);
  const layers = await query<{ ref: string }>(
    room.database.em.fork(),
    `select ref from layers where version_id = $1 order by sort_order`,
    [draft.version_id],
  );
  expect(layers.map(({ ref }) => ref)).toEqual([
    ...Array.from({ length: 600 }, (_, at) => `above-L${at}`),
    ...Array.from({ length: 400 }, (_, at) => `below-L${at}`),
  ]);
  const inNone = (await overlays(draft)).filter(({ layer }) => layer === null);
  expect(inNone.map(({ ref }) => ref)).toEqual(
    Array.from({ length: 200 }, (_, at) => [`below-${at + 400}`, `below-${at + 400}-b`]).flat(),
  );
  expect((await run(draft, below, { layer_prefix: "below-" })).result).toMatchObject({
    unchanged: 1_200,
    left_out: 200,
  });
  const published = await room.ended(await room.publish(draft), 60_000);
  expect(published.status, published.message ?? "").toBe("completed");
});

it("a published version is left alone", async () => {
  const draft = await createDraft(room, { descriptor: SMALL });
  await room.ended(await room.publish(draft), 60_000);
  const { row } = await run(draft, svg(rect("a", 0)));
  expect([row.status, row.error_code]).toEqual(["failed", "version_published"]);
});
