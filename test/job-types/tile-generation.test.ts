/** Tiles being cut, while something happens: a cancel, a death, an edit, a publish. */
import { readdir, readFile } from "node:fs/promises";
import { kill } from "node:process";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { query, queryOne } from "../../src/db.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { pictureSettings } from "../../src/tiles/cut/picture-settings.ts";
import { createChaosRoom, messages, type ChaosRoom } from "../support/chaos-room.ts";
import { startSample } from "../support/job-samples/sample.ts";
import { tileGeneration } from "../support/job-samples/tile-generation.ts";
import { picture, putSource } from "../support/pictures.ts";
import { childrenOf, isRunning } from "../support/processes.ts";
import { createDraft, until, type Draft } from "../support/publishing.ts";
import type { WorkerProcess } from "../support/worker-process.ts";

let room: ChaosRoom;
beforeAll(async () => {
  room = await createChaosRoom();
});
afterEach(() => room.killWorkers());
afterAll(() => room?.close());

/** Takes most of a minute, whatever the machine. */
const SLOW = Buffer.from(
  `<svg xmlns="http://www.w3.org/2000/svg" width="9999" height="9999"><filter id="f"><feTurbulence numOctaves="99"/>` +
    `<feMorphology radius="99"/></filter><rect width="9999" height="9999" filter="url(#f)"/></svg>`,
);

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

/** The pid of the process that cuts, once it is at work. */
async function cutting(worker: WorkerProcess): Promise<number> {
  const [pid] = await until("a picture to be cut", async () => {
    const pids = await childrenOf(worker.pid, "picture-child");
    return pids.length > 0 && pids;
  });
  return pid ?? 0;
}

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

describe("the process that cuts", { timeout: 90_000 }, () => {
  it("is killed by a cancel, and nothing of it stays", async () => {
    const worker = await room.worker();
    const { draft, job } = await begin(SLOW);
    const before = await tilesOf(draft);
    await startJob(room.deps, job, 1);
    const pid = await cutting(worker);
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

  it("dies with its worker, and takes what it wrote with it", async () => {
    const worker = await room.worker();
    const { job } = await begin(SLOW);
    await startJob(room.deps, job, 1);
    const pid = await cutting(worker);
    await worker.kill();
    await until("the process to be gone", async () => !(await isRunning(pid)), 2_000);
    await until("the scratch folder to be empty", async () => (await inScratchFolder()).length === 0, 2_000);
    await cancelJob(room.deps, { job_id: job, by: room.principal });
    await room.worker();
    expect((await room.ended(job, 30_000)).status).toBe("cancelled");
  });

  it("leaves something behind only if it is killed too, until the next worker starts", async () => {
    const worker = await room.worker();
    const { job } = await begin(SLOW);
    await startJob(room.deps, job, 1);
    const pid = await cutting(worker);
    kill(worker.pid, "SIGSTOP");
    kill(pid, "SIGKILL");
    await worker.kill();
    expect(await inScratchFolder()).toHaveLength(1);
    await cancelJob(room.deps, { job_id: job, by: room.principal });
    await room.worker();
    await until("the scratch folder to be empty", async () => (await inScratchFolder()).length === 0);
    expect((await room.ended(job, 30_000)).status).toBe("cancelled");
  });
});

describe("a worker that dies", { timeout: 90_000 }, () => {
  it("behind the putting has its tiles cut again, and none of them put again", async () => {
    await room.worker();
    const { job, draft, gate } = await beginUpTo(await picture(700, 500), {
      kind: "step",
      data: { step: "generate", status: "done" },
    });
    await room.killWorkers();
    await gate.open();
    await room.worker();
    const row = await room.ended(job, 60_000);
    await tileGeneration.expectDone(room, draft, row.result ?? {});
    expect(await messages(room, job)).toContainEqual(expect.stringMatching(/^Cut 17 tiles \(17 were there already\)/));
    expect(await inScratchFolder()).toEqual([]);
  });

  it("behind the attaching has attached them once", async () => {
    await room.worker();
    const { job, draft, gate } = await beginUpTo(await picture(700, 500), {
      kind: "status",
      data: { status: "completed" },
    });
    const revision = await revisionOf(draft);
    await room.killWorkers();
    await gate.open();
    await room.worker();
    const row = await room.ended(job, 60_000);
    await tileGeneration.expectDone(room, draft, row.result ?? {});
    expect([row.result?.["revision"], await revisionOf(draft)]).toEqual([revision, revision]);
  });
});

describe("a draft that is changed while its tiles are cut", { timeout: 60_000 }, () => {
  const upToAttach = async () => {
    await room.worker();
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

it(
  "a picture that takes too long fails the job, says so, and leaves the worker as it was",
  { timeout: 90_000 },
  async () => {
    const worker = await room.worker({ settings: { PLATEN_PICTURE_SECONDS: "2" } });
    const first = await begin(await picture(700, 500));
    await startJob(room.deps, first.job, 1);
    await room.ended(first.job, 30_000);
    const base = await health(worker.pid);
    for (let round = 0; round < 3; round += 1) {
      const { job } = await begin(SLOW);
      await startJob(room.deps, job, 1);
      expect(await room.ended(job, 30_000)).toMatchObject({ status: "failed", error_code: "picture_timeout" });
    }
    const now = await health(worker.pid);
    expect(now.files).toBeLessThanOrEqual(base.files + 3);
    expect(now.mb).toBeLessThan(base.mb + 40);
    expect(await childrenOf(worker.pid, "picture-child")).toEqual([]);
  },
);

/** Open files, and memory in MB. */
async function health(pid: number): Promise<{ files: number; mb: number }> {
  const kb = /^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1];
  return { files: (await readdir(`/proc/${pid}/fd`)).length, mb: Number(kb) / 1_024 };
}
