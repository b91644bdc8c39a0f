import { mkdir, rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { BAD_SECTORS, breakSectors } from "../support/bad-sectors.ts";
import {
  createChaosRoom,
  expectNothingPublic,
  expectReleasedOnce,
  expectSoundLedger,
  messages,
  publicTile,
  sourceTile,
  type ChaosRoom,
} from "../support/chaos-room.ts";
import { pendingActivity } from "../support/operator.ts";
import { jobRow, SMALL, until } from "../support/publishing.ts";
import { expectWhole, releaseFile } from "../support/whole-release.ts";

let room: ChaosRoom;

beforeAll(async () => {
  room = await createChaosRoom();
  await room.worker({ preload: BAD_SECTORS });
});
afterAll(() => room?.close());

describe("one object that the disk cannot read or write", { timeout: 60_000 }, () => {
  it("keeps its own publish waiting, which names it; all others go on, and so does this one once it is mended", async () => {
    const [uploading, cancelled] = [await victim("generate_release done"), await victim("generate_release done")];
    const [verifying, checking] = [await victim("upload done"), await victim("upload done")];
    const blocked = await victim("generate_release done");
    const [source, lost] = await Promise.all([uploading, cancelled].map(({ draft }) => sourceTile(room, draft, 5)));
    const tile = await publicTile(room, verifying.draft, 5);
    const release = await releaseFile(room, checking.draft);
    const mend = await breakSectors(room.storeFolder, [source ?? "", lost ?? "", tile, release]);
    // Where a file belongs there is a folder: nothing can be put into its place.
    const folder = await publicTile(room, blocked.draft, 5);
    await mkdir(dirname(folder), { recursive: true });
    await mkdir(folder);
    for (const { gate } of [uploading, cancelled, verifying, checking, blocked]) await gate.open();

    const stuck = [
      { ...uploading, step: "upload", path: source },
      { ...cancelled, step: "upload", path: lost },
      { ...verifying, step: "verify_tiles", path: tile },
      { ...checking, step: "verify_tiles", path: release },
      { ...blocked, step: "upload", path: folder },
    ];
    for (const { job, step, path = "" } of stuck) {
      await until(`${step} to be tried again`, async () => ((await pendingActivity(room, job))?.attempt ?? 0) > 1);
      expect(await jobRow(room, job)).toMatchObject({ status: "running", step, error_code: null });
      const told = (await messages(room, job)).filter((message) => message.startsWith("The object store failed at"));
      expect(told).toHaveLength(1);
      expect(told[0]).toContain(path.split("/").slice(-2).join("/"));
      expect(told[0]).toMatch(path === folder ? /EISDIR|ENOTEMPTY|EEXIST/ : /EIO/);
    }
    const other = await room.draft({ descriptor: SMALL });
    expect(await room.ended(await room.publish(other))).toMatchObject({ status: "completed" });
    await cancelJob(room.deps, { job_id: cancelled.job, by: room.principal });
    expect(await room.ended(cancelled.job)).toMatchObject({ status: "cancelled" });
    await expectNothingPublic(room, cancelled.draft, cancelled.recorder);

    await mend();
    await rmdir(folder);
    for (const { job, draft, recorder } of [uploading, verifying, checking, blocked]) {
      expect(await room.ended(job, 40_000)).toMatchObject({ status: "completed", generation: 1, epoch: 1 });
      await expectReleasedOnce(room, draft, [job]);
      await expectSoundLedger(room, job, ["completed"]);
      await expectWhole(room, draft);
      expect(await recorder.served()).toEqual([1]);
    }
  });
});

async function victim(moment: "generate_release done" | "upload done") {
  const draft = await room.draft({ descriptor: SMALL });
  const recorder = room.record(draft);
  return { draft, recorder, ...(await room.publishUpTo(draft, moment)) };
}
