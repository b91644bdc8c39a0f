/** A job that has switched is completed by the reconciler, whatever ended its workflow: pointer first, then the row. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { reconcileJob } from "../../src/jobs/protocol/reconcile.ts";
import { switchRelease } from "../../src/jobs/protocol/switch.ts";
import { headerBytes } from "../../src/releases/release-document.ts";
import { releaseKey } from "../../src/storage/keys.ts";
import { attemptOf, createProtocolRoom, runOf, type ProtocolRoom } from "../support/protocol-room.ts";
import { createDraft, jobRow, ledger, queueJob, type Draft } from "../support/publishing.ts";

let protocol: ProtocolRoom;
let draft: Draft;
let job: string;
let release_id: string;

beforeAll(async () => {
  protocol = await createProtocolRoom();
});
afterAll(() => protocol?.room.close());
beforeEach(async () => {
  ({ draft, job } = await protocol.renew());
  release_id = `rel_20260101000000_${randomBytes(4).toString("hex")}`;
  const grip = await protocol.grip(attemptOf(job, "F", 1), "mark_published");
  const counted = { revision: 1, tile_set_digest: "e".repeat(64), bytes: 13, overlay_count: 2, tile_count: 3 };
  await switchRelease(protocol.room.deps, grip, { release_id, published_at, digest, ...counted });
});

const published_at = "2026-01-01T00:00:00.000Z";
const digest = "d".repeat(64);

/** What the upload left in the public store. */
async function putReleased(): Promise<void> {
  const head = headerBytes({ release_id, project: draft.project, version: 1, published_at, digest });
  const document = Buffer.concat([head, Buffer.from('"config":{}}')]);
  await protocol.room.stores.public.put(releaseKey(draft.project, release_id), document);
}
const pointer = () => protocol.room.stores.public.readPointer("dev", draft.project);

describe("a switched job", () => {
  it.each([
    ["was terminated", runOf("F", { open: false, status: "TERMINATED" })],
    ["timed out", runOf("F", { open: false, status: "TIMED_OUT" })],
    ["was cancelled", runOf("F", { open: false, status: "CANCELLED" })],
    ["failed", runOf("F", { open: false, status: "FAILED" })],
    ["is not known to Temporal any more", null],
  ])("whose workflow %s is completed, once", async (_, execution) => {
    await putReleased();
    protocol.temporal.current = execution;
    expect(await reconcileJob(protocol.room.deps, job)).toBe("settle");
    const row = await jobRow(protocol.room, job);
    expect(row).toMatchObject({ status: "completed", progress: 100, epoch: 1, error_code: null });
    expect(row.result).toMatchObject({ release_id, release_url: `/dev/${draft.project}/release.json` });
    expect(await pointer()).toMatchObject({ epoch: 1 });
    expect((await ledger(protocol.room, job)).at(-1)?.data).toMatchObject({ status: "completed", generation: 1 });
    // The guard is free: the next publish gets it.
    await queueJob(protocol.room, await createDraft(protocol.room, { project: draft }));

    const before = await protocol.state(job);
    expect(await reconcileJob(protocol.room.deps, job)).toBe("nothing");
    expect(await protocol.state(job)).toEqual(before);
  });

  it("stays open while the pointer cannot be written, and is completed once it can", async () => {
    protocol.temporal.current = runOf("F", { open: false, status: "TERMINATED" });
    const before = await protocol.state(job);
    await expect(reconcileJob(protocol.room.deps, job)).rejects.toMatchObject({ code: "store_unavailable" });
    expect(await protocol.state(job)).toEqual(before);
    expect(await pointer()).toBeNull();
    await putReleased();
    expect(await reconcileJob(protocol.room.deps, job)).toBe("settle");
    expect(await jobRow(protocol.room, job)).toMatchObject({ status: "completed", epoch: 1 });
    expect(await pointer()).toMatchObject({ epoch: 1 });
  });
});
