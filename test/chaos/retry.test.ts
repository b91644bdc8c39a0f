import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PUBLISH_STEPS } from "../../contract/publish.ts";
import { query } from "../../src/db.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { replaceConfig } from "../../src/projects/content-store.ts";
import { editDraft } from "../../src/projects/version-store.ts";
import {
  createChaosRoom,
  expectNothingPublic,
  expectReleasedOnce,
  expectSoundLedger,
  guardOf,
  messages,
  publicTile,
  sourceTile,
  versionOf,
  type ChaosRoom,
  type Moment,
} from "../support/chaos-room.ts";
import { damageTile } from "../support/damaged-tile.ts";
import { SMALL, type Draft } from "../support/publishing.ts";
import { scheduledActivities, workflowProgress } from "../support/run-history.ts";

let room: ChaosRoom;

beforeAll(async () => {
  room = await createChaosRoom();
  await room.worker();
  // A run that has failed may be open for a moment yet: then the retry waits in the row until a reconciler starts it.
  room.reconcile(100);
});
afterAll(() => room?.close());

const retry = (job: string, from?: string) =>
  retryJob(room.deps, { job_id: job, by: room.principal, ...(from === undefined ? {} : { from }) });
const sql = (text: string, params: unknown[]) => query(room.database.em.fork(), text, params);

/** How a publish comes to fail in a step: where it stands then, and what is done to it; `mend` undoes that. */
interface Trouble {
  step: string;
  moment: Moment;
  code: string;
  harm(draft: Draft): Promise<() => Promise<unknown>>;
}

const ACTIVITIES = ["validate", "generateRelease", "upload", "verifyTiles", "markPublished"];

const troubles: Trouble[] = [
  {
    ...{ step: "validate", moment: "validate", code: "version_invalid" },
    async harm(draft) {
      // No edit: the draft's revision stays what it is.
      await sql(`delete from configs where version_id = $1`, [draft.version_id]);
      return () => replaceConfig(room.database.em.fork(), draft, { title: "Town" });
    },
  },
  {
    ...{ step: "generate_release", moment: "validate done", code: "release_invalid" },
    async harm({ version_id }) {
      const fix = (digest: string | null) =>
        sql(`update release_reservations set digest = $2 where version_id = $1`, [version_id, digest]);
      await fix("another");
      return () => fix(null);
    },
  },
  {
    ...{ step: "upload", moment: "generate_release done", code: "source_tile_damaged" },
    harm: async (draft) => damageTile(await sourceTile(room, draft, 2)),
  },
  {
    ...{ step: "verify_tiles", moment: "upload done", code: "tiles_damaged" },
    async harm(draft) {
      // What is damaged at the destination is put again from the draft, so that must be damaged, too.
      await writeFile(await publicTile(room, draft, 2), "damaged");
      return damageTile(await sourceTile(room, draft, 2));
    },
  },
  {
    ...{ step: "mark_published", moment: "verify_tiles done", code: "guard_lost" },
    async harm({ project_id }) {
      await sql(`delete from publish_guards where project_id = $1`, [project_id]);
      return async () => undefined;
    },
  },
];

/** A publish that has failed in the step. */
async function failedIn({ step, moment, code, harm }: Trouble) {
  const draft = await room.draft({ descriptor: SMALL });
  const recorder = room.record(draft);
  const { job, gate } = await room.publishUpTo(draft, moment);
  const mend = await harm(draft);
  await gate.open();
  expect(await room.ended(job)).toMatchObject({ status: "failed", error_code: code, step, switched_at: null });
  return { draft, recorder, job, mend };
}

const troubleIn = (name: string): Trouble => troubles.find(({ step }) => step === name)!;

async function expectCompletedOnce(
  { draft, recorder, job }: Pick<Awaited<ReturnType<typeof failedIn>>, "draft" | "recorder" | "job">,
  endings: Parameters<typeof expectSoundLedger>[2],
): Promise<void> {
  const row = await room.ended(job);
  expect(row).toMatchObject({ status: "completed", generation: endings.length, epoch: 1, error_code: null });
  expect(row.steps.map(({ status }) => status)).toEqual(PUBLISH_STEPS.map(() => "done"));
  const release_id = await expectReleasedOnce(room, draft, [job]);
  await expectSoundLedger(room, job, endings);
  expect(await guardOf(room, draft)).toBeNull();
  expect(await recorder.served()).toEqual([1]);
  expect(await recorder.copy()).toEqual({ epoch: 1, release_id });
}

describe("a retry", { timeout: 60_000 }, () => {
  it.each(troubles)(
    "of a publish that failed in $step runs that step and those behind it, and no other",
    async (trouble) => {
      const failed = await failedIn(trouble);
      const at = PUBLISH_STEPS.findIndex(({ name }) => name === trouble.step);
      const before = (await room.ended(failed.job)).steps.slice(0, at);
      await failed.mend();
      expect(await retry(failed.job)).toEqual({
        generation: 2,
        from: trouble.step,
        message: expect.stringContaining(`from ${trouble.step}`),
      });
      await expectCompletedOnce(failed, ["failed", "completed"]);
      expect(await scheduledActivities(room, failed.job)).toEqual(ACTIVITIES.slice(at));
      // They were done when they were done.
      expect((await room.ended(failed.job)).steps.slice(0, at)).toEqual(before);
      await expect(retry(failed.job)).rejects.toMatchObject({ code: "job_not_retryable" });
    },
  );

  it("of a publish that fails in upload again goes on from there each time, and nothing is public meanwhile", async () => {
    const failed = await failedIn(troubleIn("upload"));
    await expectNothingPublic(room, failed.draft, failed.recorder);
    expect(await guardOf(room, failed.draft)).toBeNull();
    await retry(failed.job);
    expect(await room.ended(failed.job)).toMatchObject({ error_code: "source_tile_damaged", generation: 2 });
    // What the run carries over is done in its own eyes, too.
    const { percent, steps } = await workflowProgress(room, failed.job);
    expect([percent, ...steps.map(({ status }) => status)]).toEqual([
      30,
      "done",
      "done",
      "failed",
      "pending",
      "pending",
    ]);
    await expectNothingPublic(room, failed.draft, failed.recorder);
    await failed.mend();
    await retry(failed.job);
    await expectCompletedOnce(failed, ["failed", "failed", "completed"]);
    expect(await scheduledActivities(room, failed.job)).toEqual(ACTIVITIES.slice(2));
  });

  it("from an earlier step runs that and all behind it, and makes the same release", async () => {
    const failed = await failedIn(troubleIn("verify_tiles"));
    await failed.mend();
    expect(await retry(failed.job, "generate_release")).toMatchObject({ from: "generate_release" });
    await expectCompletedOnce(failed, ["failed", "completed"]);
    expect(await scheduledActivities(room, failed.job)).toEqual(ACTIVITIES.slice(1));
  });

  it("of a draft that was edited since begins at validate, says so, and publishes the new content", async () => {
    const failed = await failedIn(troubleIn("upload"));
    await failed.mend();
    await editDraft(room.database.em.fork(), await versionOf(room, failed.draft), async (tx) => ({
      changed: await replaceConfig(tx, failed.draft, { title: "Edited" }),
    }));
    expect(await retry(failed.job)).toEqual({
      generation: 2,
      from: "validate",
      message: expect.stringContaining("from validate"),
    });
    await expectCompletedOnce(failed, ["failed", "completed"]);
    expect(await scheduledActivities(room, failed.job)).toEqual(ACTIVITIES);
    expect((await room.ended(failed.job)).release_id).not.toBeNull();
    const rows = await sql(`select revision from releases where version_id = $1`, [failed.draft.version_id]);
    expect(rows).toEqual([{ revision: 2 }]);
    const told = await sql(`select data->>'message' as message from job_events where job_id = $1 and data ? 'from'`, [
      failed.job,
    ]);
    expect(told).toEqual([{ message: "Retried by Ada from validate: the draft was edited since it was validated" }]);
    expect((await messages(room, failed.job)).filter((each) => each.startsWith("Valid:"))).toHaveLength(2);
  });

  it("asked for five times at once opens one generation, and switches once", async () => {
    const failed = await failedIn(troubleIn("upload"));
    await failed.mend();
    const answers = await Promise.allSettled(Array.from({ length: 5 }, () => retry(failed.job)));
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    await expectCompletedOnce(failed, ["failed", "completed"]);
  });
});
