import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { queryOne } from "../../src/db.ts";
import type { JobEvent } from "../../src/jobs/ledger-store.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { deleteProject } from "../../src/projects/delete-project.ts";
import {
  createChaosRoom,
  expectNothingPublic,
  expectReleasedOnce,
  expectSoundLedger,
  guardOf,
  publicTile,
  type ChaosRoom,
  type Moment,
} from "../support/chaos-room.ts";
import { pendingActivity } from "../support/operator.ts";
import { jobRow, ledger, SMALL, until } from "../support/publishing.ts";
import { createSmallDisk, type SmallDisk } from "../support/small-disk.ts";

let disk: SmallDisk | null;
let room: ChaosRoom;

beforeAll(async () => {
  disk = await createSmallDisk({ megabytes: 16, inodes: 2_000 });
  if (!disk) return;
  room = await createChaosRoom({ storeFolder: join(disk.folder, "store") });
  await room.worker();
});
afterAll(async () => {
  await room?.close();
  await disk?.close();
});

interface Fault {
  what: string;
  code: string;
  /** In the operator's words, from the file system. */
  reason: string;
  begin(disk: SmallDisk): Promise<void>;
  end(disk: SmallDisk): Promise<void>;
}

const FAULTS: Fault[] = [
  {
    ...{ what: "a disk without room", code: "store_full", reason: "ENOSPC" },
    begin: (it) => it.fill("bytes"),
    end: (it) => it.makeRoom(),
  },
  {
    ...{ what: "a disk without inodes", code: "store_full", reason: "ENOSPC" },
    begin: (it) => it.fill("inodes"),
    end: (it) => it.makeRoom(),
  },
  {
    ...{ what: "a read-only disk", code: "store_unavailable", reason: "EROFS" },
    begin: (it) => it.setReadOnly(true),
    end: (it) => it.setReadOnly(false),
  },
];

describe.each(FAULTS)("$what", { timeout: 90_000 }, ({ code, reason, begin, end }) => {
  it("keeps publishes waiting wherever they are; they say why, can be cancelled, and go on by themselves", async (context) => {
    if (!disk) return context.skip("mounting is not allowed here");
    const generating = await victim("validate done");
    const uploading = await victim("generate_release done");
    const cancelled = await victim("generate_release done");
    const mending = await victim("upload done");
    await rm(await publicTile(room, mending.draft, 3));
    const switched = await victim("switched");
    const steps = new Map([
      [generating, "generate_release"],
      [uploading, "upload"],
      [cancelled, "upload"],
      [mending, "verify_tiles"],
      [switched, "mark_published"],
    ]);
    await begin(disk);
    for (const { gate } of steps.keys()) await gate.open();

    for (const [{ job }, step] of steps) {
      const told = await until(`${step} to say what is wrong`, async () => {
        const message = await messageOf(job);
        return message.includes(reason) && message;
      });
      expect(told).toContain(code === "store_full" ? "no room for" : "failed at");
      expect(told).toContain("a publish goes on by itself");
      expect(await jobRow(room, job)).toMatchObject({ status: "running", step });
      expect(await troubles(job)).toMatchObject([{ kind: "log", data: { level: "warn", code, step } }]);
    }
    await cancelJob(room.deps, { job_id: cancelled.job, by: room.principal });
    expect(await room.ended(cancelled.job)).toMatchObject({ status: "cancelled", error_code: "cancelled" });
    await expectNothingPublic(room, cancelled.draft, cancelled.recorder);
    expect(await switched.recorder.served()).toEqual([]);
    await until("some more attempts", async () => ((await pendingActivity(room, uploading.job))?.attempt ?? 0) > 2);
    expect(await troubles(uploading.job)).toHaveLength(1);

    await end(disk);
    steps.delete(cancelled);
    for (const [{ job, draft, recorder }] of steps) {
      expect(await room.ended(job, 40_000)).toMatchObject({ status: "completed", generation: 1, epoch: 1 });
      const release_id = await expectReleasedOnce(room, draft, [job]);
      await expectSoundLedger(room, job, ["completed"]);
      expect(await guardOf(room, draft)).toBeNull();
      expect(await recorder.served()).toEqual([1]);
      expect(await recorder.copy()).toEqual({ epoch: 1, release_id });
    }
    await expectNothingHalfWritten();
  });
});

describe("a delete of a project whose store fails", () => {
  it("deletes no row, and can be repeated", async (context) => {
    if (!disk) return context.skip("mounting is not allowed here");
    const { tenant_id, project, version_id } = await room.draft({ descriptor: SMALL });
    await disk.setReadOnly(true);
    const refused = deleteProject(room.deps, { tenant_id, project });
    await expect(refused).rejects.toMatchObject({
      code: "store_unavailable",
      message: expect.stringContaining("EROFS"),
    });
    const sql = `select count(*)::int as count from tiles where version_id = $1`;
    expect(await queryOne(room.database.em.fork(), sql, [version_id])).not.toEqual({ count: 0 });
    await disk.setReadOnly(false);
    await deleteProject(room.deps, { tenant_id, project });
    expect(await queryOne(room.database.em.fork(), sql, [version_id])).toEqual({ count: 0 });
    await expect(deleteProject(room.deps, { tenant_id, project })).rejects.toMatchObject({ code: "project_not_found" });
  });
});

/** A publish that stands at a moment; few tiles, so that one attempt meets the fault at once. */
async function victim(moment: Moment) {
  const draft = await room.draft({ descriptor: SMALL });
  const recorder = room.record(draft);
  return { draft, recorder, ...(await room.publishUpTo(draft, moment)) };
}

/** Log entries that carry a failure's code. */
async function troubles(job: string): Promise<JobEvent[]> {
  return (await ledger(room, job)).filter(({ kind, data }) => kind === "log" && data["code"] !== undefined);
}

async function messageOf(job: string): Promise<string> {
  const sql = `select message from jobs where id = $1`;
  return (await queryOne<{ message: string | null }>(room.database.em.fork(), sql, [job]))?.message ?? "";
}

async function expectNothingHalfWritten(): Promise<void> {
  for (const store of ["private", "public"]) {
    const staged = await readdir(join(room.storeFolder, store, ".writing")).catch(() => []);
    expect(staged, store).toEqual([]);
  }
}
