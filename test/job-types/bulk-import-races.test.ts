/** Bulk imports whose workers die, that are cancelled, and that others edit under: the draft changes once and as a whole, or not at all. */
import { ensureTenant } from "../../src/tenants/tenant-store.ts";
import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isFinal } from "../../contract/job-state.ts";
import { query, transaction } from "../../src/db.ts";
import { AppError } from "../../src/errors.ts";
import { applyImport, judgeRows } from "../../src/imports/apply-import.ts";
import {
  hashingRows,
  insertRows,
  judgeRepeated,
  sweepRows,
  type Stage,
  type StagedRow,
} from "../../src/imports/import-rows-store.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { previewRetry } from "../../src/jobs/retry-preview.ts";
import { findDraft } from "../../src/projects/version-store.ts";
import { startFileServer, type FileServer } from "../fetch/file-server.ts";
import { overlaysOf } from "../support/job-samples/bulk-import.ts";
import { jobRow, ledger, until, type Draft } from "../support/publishing.ts";
import { createImportRoom, type ImportRoom } from "./import-room.ts";

let room: ImportRoom;
beforeAll(async () => {
  room = await createImportRoom();
});
afterAll(() => room?.close());

it("an older attempt that wakes up has lost the job's row, and changes nothing", async () => {
  const draft = await room.draftOf();
  const db = room.database.em.fork();
  const stage: Stage = { id: uuidv7(), job_id: uuidv7(), tenant_id: room.tenant_id };
  await insertRows(db, stage, JSON.stringify([[1, 2, "plot-1", null, { area: 1 }, null, null] satisfies StagedRow]));
  const version = await findDraft(db, { tenant_id: room.tenant_id, project: draft.project, version: 1 });
  const apply = (finish: () => Promise<void>, rejected = 0) =>
    applyImport(db, {
      ...{
        stage: stage.id,
        version,
        total: 1,
        rejected,
        create: null,
        dry_run: false,
        signal: new AbortController().signal,
      },
      ...{ finish, onProgress: () => undefined },
    });
  await expect(apply(() => Promise.resolve(), 1)).rejects.toThrow(/of 1 staged rows 1 were applied and 1 rejected/);
  const lost = new AppError("superseded", { job: stage.job_id });
  await expect(apply(() => Promise.reject(lost))).rejects.toBe(lost);
  expect([await room.revisionOf(draft), (await overlaysOf(room, draft.version_id))[0]?.properties]).toEqual([1, {}]);
  // Of two that both may, the second finds that the draft is not what it has looked at.
  const done = () => Promise.resolve();
  expect(await Promise.all([apply(done), apply(done)])).toEqual(
    expect.arrayContaining([null, { used: 1, changed: 1, created: 0 }]),
  );
  expect(await room.revisionOf(draft)).toBe(2);
  const abroad = { ...stage, id: uuidv7(), tenant_id: (await ensureTenant(db, { slug: "abroad", name: "Abroad" })).id };
  await insertRows(db, abroad, JSON.stringify([[1, 2, "plot-1", null, null, null, null] satisfies StagedRow]));
  const sweep = (dry_run: boolean, { tenant_id }: Stage = stage): Promise<number> =>
    sweepRows(db, { tenant_id, dry_run });
  expect(await sweep(true)).toBeGreaterThanOrEqual(1);
  expect(await sweep(false)).toBeGreaterThanOrEqual(1);
  // Another tenant's are that one's to sweep.
  expect([await sweep(true), await sweep(true, abroad), await sweep(false, abroad)]).toEqual([0, 1, 1]);
});

/** Holds the draft as an edit of it does, until it is let go. */
async function holdDraft({ version_id }: Draft, edit: string): Promise<() => Promise<void>> {
  const held = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const holding = transaction(room.database, async (tx) => {
    await query(tx, "select 1 from versions where id = $1 for no key update", [version_id]);
    held.resolve();
    await go.promise;
    if (edit !== "") await query(tx, edit, [version_id]);
  });
  await held.promise;
  return async () => {
    go.resolve();
    await holding;
  };
}

it("a cancel leaves the draft as it was, however many rows were applied already", async () => {
  const draft = await room.draftOf();
  const before = await overlaysOf(room, draft.version_id);
  const letGo = await holdDraft(draft, "");
  const job = await room.begin(draft, await room.fromText("ref,area\nplot-1,1\n"));
  await room.gates.somebodyWaits("versions");
  await cancelJob(room.deps, { job_id: job, by: room.principal });
  await until("the cancel to arrive", async () => (await jobRow(room, job)).cancel_acknowledged_at !== null);
  await letGo();
  expect((await room.ended(job, 60_000)).status).toBe("cancelled");
  expect(await overlaysOf(room, draft.version_id)).toEqual(before);
  expect(await room.revisionOf(draft)).toBe(1);
});

describe("an import that is cancelled in its last step", { timeout: 60_000 }, () => {
  let server: FileServer;
  /** What the server has; null for a link whose time is over. */
  let file: string | null;
  beforeAll(async () => {
    server = await startFileServer(
      (_, response) => void (file === null ? response.writeHead(410).end() : response.end(file)),
    );
  });
  afterAll(() => server?.close());

  async function cancelledInApply(): Promise<{ draft: Draft; job: string }> {
    file = "ref,area\nplot-1,1\nnowhere,2\n";
    const draft = await room.draftOf();
    const letGo = await holdDraft(draft, "");
    const job = await room.begin(draft, { file_url: `${server.url}/rows.csv?signed=1` });
    await room.gates.somebodyWaits("versions");
    await cancelJob(room.deps, { job_id: job, by: room.principal });
    await until("the cancel to arrive", async () => (await jobRow(room, job)).cancel_acknowledged_at !== null);
    await letGo();
    expect((await room.ended(job, 60_000)).status).toBe("cancelled");
    return { draft, job };
  }
  const edit = ({ version_id }: Draft) =>
    query(room.database.em.fork(), `update versions set revision = revision + 1 where id = $1`, [version_id]);
  const preview = (job: string) => previewRetry(room.deps, { job_id: job, tenant_id: room.tenant_id });

  /** The run that was cancelled may not be closed yet: then it is the reconciler that starts the next one. */
  async function retried(job: string, from?: string) {
    const told = await retryJob(room.deps, {
      job_id: job,
      by: room.principal,
      ...(from === undefined ? {} : { from }),
    });
    const row = await until("the retry to end", async () => {
      await room.reconciler.round();
      const found = await jobRow(room, job);
      return isFinal(found.status) && found;
    });
    return { told, row };
  }

  it("is retried behind the file that it has, although the link to it is dead and the draft was edited", async () => {
    const { draft, job } = await cancelledInApply();
    file = null;
    await edit(draft);
    const kept = "It has finished, and what it yielded is kept; it does not depend on the draft.";
    expect(await preview(job)).toMatchObject({
      ...{ from: "apply_rows", revision: { validated: null, current: 2, unchanged: false } },
      steps: [
        { name: "fetch_file", action: "reuse", why: kept },
        { name: "read_rows", action: "reuse", why: kept },
        { name: "apply_rows", action: "run", why: "It was stopped here." },
      ],
    });
    const { told, row } = await retried(job);
    expect(told.message).toBe(`Retried by ${room.principal.name} from apply_rows`);
    expect(row).toMatchObject({ status: "partially_completed", generation: 2, result: { changed: 1, rejected: 1 } });
    expect((await overlaysOf(room, draft.version_id))[0]?.properties).toEqual({ area: 1 });
  });

  it("fetches anew where that is asked for", async () => {
    const { draft, job } = await cancelledInApply();
    file = "ref,area\nplot-1,5\n";
    const { row } = await retried(job, "fetch_file");
    expect(row).toMatchObject({ status: "completed", result: { rows: 1, changed: 1 } });
    expect((await overlaysOf(room, draft.version_id))[0]?.properties).toEqual({ area: 5 });
  });

  it("fetches anew, and says why, once the file has gone with its time", async () => {
    const { job } = await cancelledInApply();
    await query(room.database.em.fork(), `update artifacts set expires_at = now() where job_id = $1`, [job]);
    expect(await preview(job)).toMatchObject({
      from: "fetch_file",
      steps: [{ action: "run", why: "What it yielded was not kept." }, { action: "run" }, { action: "run" }],
    });
    const { told, row } = await retried(job);
    expect(told.message).toMatch(/from fetch_file: what fetch_file yielded was not kept$/);
    expect(row).toMatchObject({ status: "partially_completed", result: { changed: 1 } });
  });
});

it("a draft that is edited between the look at its refs and the change is looked at again", async () => {
  const draft = await room.draftOf(3);
  const edit =
    "with gone as (delete from overlays where version_id = $1 and ref = 'plot-2') update versions set revision = revision + 1 where id = $1";
  const letGo = await holdDraft(draft, edit);
  const job = await room.begin(draft, await room.fromText("ref,area\nplot-1,1\nplot-2,2\nplot-3,3\n"));
  await room.gates.somebodyWaits("versions");
  await letGo();
  const row = await room.told(job);
  expect(row).toMatchObject({ status: "partially_completed", result: { imported: 2, changed: 2, rejected: 1 } });
  expect(row.errors).toMatchObject([{ code: "ref_unknown", value: "plot-2" }]);
  expect((await ledger(room, job)).map(({ data }) => data["message"])).toContain(
    "The draft was changed meanwhile; looking at the rows again",
  );
});

it(
  "judging and applying many rows takes seconds, also while PostgreSQL takes them for a handful",
  { timeout: 60_000 },
  async () => {
    const COUNT = 60_000;
    const draft = await room.draftOf();
    const db = room.database.em.fork();
    const stage: Stage = { id: uuidv7(), job_id: uuidv7(), tenant_id: room.tenant_id };
    // Statistics of a table that is nearly empty, and no others while the test runs.
    await query(db, "alter table import_rows set (autovacuum_enabled = off)");
    await query(db, "analyze import_rows");
    for (let first = 0; first < COUNT; first += 5_000) {
      const geometry = { type: "Point", coordinates: [1, 1] };
      const rowAt = (at: number): StagedRow => [at + 1, at + 2, `spot-${at % 40_000}`, null, null, { geometry }, null];
      const rows = Array.from({ length: 5_000 }, (_, at) => rowAt(first + at));
      await insertRows(db, stage, JSON.stringify(rows));
    }
    const began = performance.now();
    // What statistics there are must not matter.
    await hashingRows(db, (tx) => judgeRepeated(tx, stage.id));
    const judged = { stage: stage.id, draft: { version_id: draft.version_id, create: true } };
    expect(await judgeRows(db, { ...judged, demand: async () => undefined })).toBe(20_000);
    const version = await findDraft(db, { tenant_id: room.tenant_id, project: draft.project, version: 1 });
    const applied = await applyImport(db, {
      ...{
        stage: stage.id,
        version,
        total: COUNT,
        rejected: 20_000,
        create: "spot",
        dry_run: false,
        signal: new AbortController().signal,
      },
      ...{ finish: () => Promise.resolve(), onProgress: () => undefined },
    });
    expect(applied).toEqual({ used: 40_000, changed: 0, created: 40_000 });
    expect(performance.now() - began).toBeLessThan(30_000);
  },
);

describe("a worker that is killed", { timeout: 120_000 }, () => {
  const ROWS = 50_000;

  it("while it reads is followed by one that goes on behind the last row; none comes twice", async () => {
    const draft = await room.draftOf();
    const lines = Array.from(
      { length: ROWS },
      (_, at) => `spot-${at},Spot ${at},${at},"{""type"":""Point"",""coordinates"":[${at % 100},1]}"\n`,
    );
    const job = await room.begin(
      draft,
      await room.fromText(`ref,label_en,area,geometry\n${lines.join("")}`, { create: "spot" }),
    );
    await until("rows to be staged", async () => (await room.staged(job)) >= 5_000, 60_000);
    await room.killWorkers();
    const behind = await room.staged(job);
    expect(behind).toBeLessThan(ROWS);
    await room.startWorker();
    const row = await room.ended(job, 90_000);
    expect(row).toMatchObject({
      status: "completed",
      generation: 1,
      result: { rows: ROWS, created: ROWS, rejected: 0 },
    });
    const [resumed] = (await ledger(room, job))
      .flatMap(({ data }) => /Going on behind row (\d+)/.exec(String(data["message"])) ?? [])
      .slice(1);
    expect(Number(resumed)).toBeGreaterThanOrEqual(5_000);
    const refs = (await overlaysOf(room, draft.version_id)).map(({ ref }) => ref);
    expect([refs.length, new Set(refs).size]).toEqual([ROWS + 2, ROWS + 2]);
    await until("the staged rows to be gone", async () => (await room.staged(job)) === 0);
  });

  it("in the very commit of the change leaves a job that has ended: what came about is told, once", async () => {
    const draft = await room.draftOf();
    const job = await room.begin(draft, await room.fromText("ref,area\nplot-1,1\n"), false);
    const gate = await room.gates.close({ job_id: job, kind: "status", data: { status: "completed" } });
    await startJob(room.deps, job, 1);
    await gate.reached();
    await room.killWorkers();
    await gate.open();
    expect((await jobRow(room, job)).status).toBe("completed");
    expect(await room.revisionOf(draft)).toBe(2);
    await room.startWorker();
    const { workflow_id } = await jobRow(room, job);
    expect(await room.temporal.client.workflow.getHandle(workflow_id).result()).toMatchObject({ changed: 1 });
    expect(await room.revisionOf(draft)).toBe(2);
  });

  it("before that commit leaves a draft that is as it was, and the next one changes it, once", async () => {
    const draft = await room.draftOf();
    const job = await room.begin(draft, await room.fromText("ref,area\nplot-1,1\n"), false);
    const gate = await room.gates.close({ job_id: job, kind: "status", data: { status: "completed" } });
    await startJob(room.deps, job, 1);
    await gate.reached();
    await room.killWorkers();
    await gate.abort();
    expect([await room.revisionOf(draft), (await overlaysOf(room, draft.version_id))[0]?.properties]).toEqual([1, {}]);
    await room.startWorker();
    expect(await room.ended(job, 60_000)).toMatchObject({ status: "completed", result: { changed: 1 } });
    expect(await room.revisionOf(draft)).toBe(2);
  });
});
