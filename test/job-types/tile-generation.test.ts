/** Tiles being cut, while something happens: a cancel, a death, an edit, a publish. */
import { readdir, readFile } from "node:fs/promises";
import { kill } from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { workflowId } from "../../contract/workflow-id.ts";
import { query, queryOne, transaction } from "../../src/db.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { cutManifestKey } from "../../src/storage/keys.ts";
import { pictureSettings } from "../../src/tiles/cut/picture-settings.ts";
import { createChaosRoom, messages, type ChaosRoom } from "../support/chaos-room.ts";
import { contentOf, startSample } from "../support/job-samples/sample.ts";
import { tileGeneration } from "../support/job-samples/tile-generation.ts";
import { reset } from "../support/operator.ts";
import { picture, putSource } from "../support/pictures.ts";
import { childrenOf, isRunning } from "../support/processes.ts";
import { createDraft, jobRow, until, type Draft } from "../support/publishing.ts";
import type { WorkerProcess } from "../support/worker-process.ts";

/** One worker for all that leaves it alive: to start one takes seconds, and to miss one that was killed ten. */
let room: ChaosRoom;
let worker: WorkerProcess;
beforeAll(async () => {
  room = await createChaosRoom();
  worker = await room.worker();
});
afterAll(() => room?.close());

/** Takes most of a minute, whatever the machine. */
const SLOW = Buffer.from(
  `<svg xmlns="http://www.w3.org/2000/svg" width="9999" height="9999"><filter id="f"><feTurbulence numOctaves="99"/>` +
    `<feMorphology radius="99"/></filter><rect width="9999" height="9999" filter="url(#f)"/></svg>`,
);

/** Of the worker that follows one that was killed: long enough for a small picture, however busy the machine. */
const LIMIT_SECONDS = 4;

const inScratchFolder = (): Promise<string[]> => readdir(pictureSettings(room.config).scratch).catch(() => []);

async function begin(bytes: Buffer): Promise<{ draft: Draft; job: string }> {
  const draft = await createDraft(room);
  await putSource(room, draft, bytes);
  const payload = { project: draft.project, version: 1 };
  return { draft, job: await startSample(room, draft, { type: "tile_generation", payload, start: false }) };
}

/** The job's worker stands at the commit of this event, until the gate is opened. */
async function beginUpTo(bytes: Buffer, event: { kind: string; data: Record<string, unknown> }) {
  const begun = await begin(bytes);
  const gate = await room.gates.close({ job_id: begun.job, ...event });
  await startJob(room.deps, begun.job, 1);
  await gate.reached();
  return { ...begun, gate };
}

/** The pids of the processes that cut, once so many are at work. */
const cutting = (count = 1): Promise<number[]> =>
  until("pictures to be cut", async () => {
    const pids = await childrenOf(worker.pid, "picture-child");
    return pids.length === count && pids;
  });

const tilesOf = ({ version_id }: Draft) =>
  query<{ key: string; sha256: string }>(
    room.database.em.fork(),
    `select key, sha256 from tiles where version_id = $1 order by key collate "C"`,
    [version_id],
  );
const revisionOf = async ({ version_id }: Draft): Promise<number> =>
  (
    await queryOne<{ revision: number }>(room.database.em.fork(), `select revision from versions where id = $1`, [
      version_id,
    ])
  )?.revision ?? 0;

it("the process that cuts is killed by a cancel, and nothing of it stays", { timeout: 60_000 }, async () => {
  const { draft, job } = await begin(SLOW);
  const before = await tilesOf(draft);
  await startJob(room.deps, job, 1);
  const [pid = 0] = await cutting();
  await cancelJob(room.deps, { job_id: job, by: room.principal });
  const row = await room.ended(job);
  expect(row.status).toBe("cancelled");
  expect(await isRunning(pid)).toBe(false);
  expect(await inScratchFolder()).toEqual([]);
  // From the request to the end of the activity; the heartbeat that carries it may come two seconds later.
  const receipt = await queryOne<{ ms: number }>(
    room.database.em.fork(),
    `select extract(epoch from cancel_stopped_at - cancel_acknowledged_at)::float8 * 1000 as ms from jobs where id = $1`,
    [job],
  );
  expect(receipt?.ms).toBeLessThan(2_000);
  expect(await tilesOf(draft)).toEqual(before);
});

describe("a draft that is changed while its tiles are cut", { timeout: 60_000 }, () => {
  const upToAttach = async () => {
    const begun = await beginUpTo(await picture(700, 500), {
      kind: "step",
      data: { step: "attach", status: "running" },
    });
    return { ...begun, before: await tilesOf(begun.draft) };
  };

  it("by a publish keeps the tiles it was published with", async () => {
    const { job, draft, gate, before } = await upToAttach();
    await query(room.database.em.fork(), `update versions set status = 'published' where id = $1`, [draft.version_id]);
    await gate.open();
    expect(await room.ended(job)).toMatchObject({ status: "failed", error_code: "version_published" });
    expect(await tilesOf(draft)).toEqual(before);
  });

  it("by another picture keeps its tiles, and is told", async () => {
    const { job, draft, gate, before } = await upToAttach();
    await putSource(room, draft, await picture(30, 20));
    await gate.open();
    expect(await room.ended(job)).toMatchObject({ status: "failed", error_code: "picture_replaced" });
    expect(await tilesOf(draft)).toEqual(before);
  });

  it("by anything else has the new tiles, and keeps that", async () => {
    const { job, draft, gate, before } = await upToAttach();
    await query(room.database.em.fork(), `update versions set revision = revision + 1 where id = $1`, [
      draft.version_id,
    ]);
    await gate.open();
    const row = await room.ended(job);
    await tileGeneration.expectDone(room, draft, row.result ?? {});
    expect(await tilesOf(draft)).not.toEqual(before);
    expect(row.message).toMatch(new RegExp(`in the place of ${before.length}$`));
  });
});

describe("a job that has ended and is reset", { timeout: 60_000 }, () => {
  it.each([
    ["to its first task", undefined],
    ["to its last step", "attachTiles"],
  ])(
    "%s answers what it did, although its picture and its tiles are gone and its version is published",
    async (_, activity) => {
      const { draft, job } = await begin(await picture(700, 500));
      await startJob(room.deps, job, 1);
      const before = await room.ended(job);
      const db = room.database.em.fork();
      await query(db, `delete from source_pictures where version_id = $1`, [draft.version_id]);
      await query(db, `delete from tiles where version_id = $1`, [draft.version_id]);
      await query(db, `update versions set status = 'published' where id = $1`, [draft.version_id]);
      await room.stores.private.delete(cutManifestKey("harbour", draft.project, 1, job));
      const content = await contentOf(room, draft);
      await reset(room, job, activity);
      await until("the next generation", async () => {
        await room.reconciler.round();
        return (await jobRow(room, job)).generation === 2;
      });
      expect(await room.ended(job)).toMatchObject({ status: "completed", result: before.result });
      expect(await contentOf(room, draft)).toEqual(content);
    },
  );
});

describe("an attempt that is the job's no more", { timeout: 60_000 }, () => {
  /** Stands before the draft's row, frozen, with all of its manifest still to be attached. */
  const frozenAtAttach = async () => {
    const begun = await begin(await picture(700, 500));
    const before = await tilesOf(begun.draft);
    const [held, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const holding = transaction(room.database, async (tx) => {
      await query(tx, "select 1 from versions where id = $1 for no key update", [begun.draft.version_id]);
      held.resolve();
      await go.promise;
    });
    await held.promise;
    await startJob(room.deps, begun.job, 1);
    await room.gates.somebodyWaits("versions");
    await worker.freeze();
    const wakeUp = async () => {
      go.resolve();
      await holding;
      // The row is the frozen one's now: who asks for it gets it once that has committed, or was undone.
      const asking = query(room.database.em.fork(), "select 1 from versions where id = $1 for no key update", [
        begun.draft.version_id,
      ]);
      worker.thaw();
      await asking;
    };
    return { ...begun, before, wakeUp };
  };

  it("behind a terminate leaves the draft as it was", async () => {
    const { job, draft, before, wakeUp } = await frozenAtAttach();
    const revision = await revisionOf(draft);
    await room.temporal.client.workflow.getHandle(workflowId("tile_generation", job)).terminate();
    await room.reconciler.round();
    await room.ended(job);
    await wakeUp();
    expect(await tilesOf(draft)).toEqual(before);
    expect(await revisionOf(draft)).toBe(revision);
  });

  it("because another has entered leaves the draft as it was, and that one attaches", async () => {
    const { job, draft, before, wakeUp } = await frozenAtAttach();
    // What entering writes; the server will have made the next attempt later than that.
    await query(room.database.em.fork(), `update jobs set attempt_at = attempt_at + 1 where id = $1`, [job]);
    const revision = await revisionOf(draft);
    await wakeUp();
    expect([await tilesOf(draft), await revisionOf(draft)]).toEqual([before, revision]);
    const row = await room.ended(job, 30_000);
    await tileGeneration.expectDone(room, draft, row.result ?? {});
  });
});

describe("a worker that dies", () => {
  const ends: { begun: Awaited<ReturnType<typeof beginUpTo>>; revision: number }[] = [];
  let slow: string[];
  let scratches: string[][];
  let child: number;

  // Once for all: the server misses a dead worker after ten seconds.
  beforeAll(async () => {
    const put = { kind: "step", data: { step: "generate", status: "done" } };
    const attached = { kind: "status", data: { status: "completed" } };
    for (const event of [put, attached]) {
      const begun = await beginUpTo(await picture(700, 500), event);
      ends.push({ begun, revision: await revisionOf(begun.draft) });
    }
    slow = [(await begin(SLOW)).job, (await begin(SLOW)).job];
    for (const job of slow) await startJob(room.deps, job, 1);
    const [killed = 0, orphan = 0] = await cutting(2);
    child = orphan;
    // One of two that cut is killed with it: nobody is left to remove what that one wrote.
    kill(worker.pid, "SIGSTOP");
    kill(killed, "SIGKILL");
    await room.killWorkers();
    await until("the other process to be gone", async () => !(await isRunning(child)), 2_000);
    await until("its scratch folder to be gone", async () => (await inScratchFolder()).length === 1, 2_000);
    scratches = [await inScratchFolder()];
    for (const { begun } of ends) await begun.gate.open();
    for (const job of slow) await cancelJob(room.deps, { job_id: job, by: room.principal });
    worker = await room.worker({ settings: { PLATEN_PICTURE_SECONDS: String(LIMIT_SECONDS) } });
    await until("all to be swept", async () => !(await inScratchFolder()).includes(scratches[0]![0]!));
  }, 60_000);

  it("takes the process that cuts with it, and what that wrote; what is killed too is swept by the next", async () => {
    expect(scratches).toMatchObject([[expect.any(String)]]);
    for (const job of slow) expect((await room.ended(job, 30_000)).status).toBe("cancelled");
  });

  it("behind the putting has its tiles cut again, and none of them put again", { timeout: 60_000 }, async () => {
    const { job, draft } = ends[0]!.begun;
    const row = await room.ended(job, 40_000);
    await tileGeneration.expectDone(room, draft, row.result ?? {});
    expect(await messages(room, job)).toContainEqual(expect.stringMatching(/^Cut 17 tiles \(17 were there already\)/));
  });

  it("behind the attaching has attached them once", { timeout: 60_000 }, async () => {
    const { begun, revision } = ends[1]!;
    const row = await room.ended(begun.job, 40_000);
    await tileGeneration.expectDone(room, begun.draft, row.result ?? {});
    // The gate stood inside the commit: the edit is there once the job's end is.
    expect([row.result?.["revision"], await revisionOf(begun.draft)]).toEqual([revision + 1, revision + 1]);
    expect(await inScratchFolder()).toEqual([]);
  });
});

it(
  "pictures that take too long fail their jobs, say so, and leave the worker as it was",
  { timeout: 60_000 },
  async () => {
    const base = await health(worker.pid);
    const jobs = [];
    for (let count = 0; count < 3; count += 1) jobs.push((await begin(SLOW)).job);
    await Promise.all(jobs.map((job) => startJob(room.deps, job, 1)));
    for (const job of jobs)
      expect(await room.ended(job, 40_000)).toMatchObject({ status: "failed", error_code: "picture_timeout" });
    // Connections of pools that were busy meanwhile close after ten seconds.
    await until("its files to be closed", async () => (await health(worker.pid)).files <= base.files + 3);
    const now = await health(worker.pid);
    expect(now.mb).toBeLessThan(base.mb + 40);
    expect(await childrenOf(worker.pid, "picture-child")).toEqual([]);
  },
);

/** Open files, and memory in MB. */
async function health(pid: number): Promise<{ files: number; mb: number }> {
  const kb = /^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1];
  return { files: (await readdir(`/proc/${pid}/fd`)).length, mb: Number(kb) / 1_024 };
}
