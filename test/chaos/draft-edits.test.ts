import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Environment } from "../../contract/publish.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { replaceConfig } from "../../src/projects/content-store.ts";
import { editDraft } from "../../src/projects/version-store.ts";
import {
  createChaosRoom,
  eventOf,
  expectNothingPublic,
  expectReleasedOnce,
  expectSoundLedger,
  guardOf,
  versionOf,
  type ChaosRoom,
} from "../support/chaos-room.ts";
import { SMALL, type Draft } from "../support/publishing.ts";

let room: ChaosRoom;

beforeAll(async () => {
  room = await createChaosRoom();
  await room.worker();
});
afterAll(() => room?.close());

describe("an edit of the draft", { timeout: 60_000 }, () => {
  it("at each boundary of steps before the switch fails the publish; a retry publishes the new content", async () => {
    const boundaries = [
      { moment: "validate done", reached: "generate_release" },
      { moment: "generate_release done", reached: "mark_published" },
      { moment: "upload done", reached: "mark_published" },
      { moment: "verify_tiles done", reached: "mark_published" },
    ] as const;
    const publishes = [];
    for (const { moment, reached } of boundaries) {
      const draft = await room.draft({ descriptor: SMALL });
      const recorder = room.record(draft);
      const { job, gate } = await room.publishUpTo(draft, moment);
      expect(await edit(draft, "Edited")).toMatchObject({ revision: 2 });
      await gate.open();
      publishes.push({ draft, recorder, job, reached });
    }
    for (const { draft, recorder, job, reached } of publishes) {
      const failed = await room.ended(job);
      expect(failed).toMatchObject({
        status: "failed",
        error_code: "version_changed",
        step: reached,
        switched_at: null,
      });
      await expectNothingPublic(room, draft, recorder);
      expect(await guardOf(room, draft)).toBeNull();
      await expectSoundLedger(room, job, ["failed"]);
      await retryJob(room.deps, { job_id: job, by: room.principal });
    }
    // A run that failed may be open for a moment yet: then the retry waits in the row until a reconciler starts it.
    const reconciler = room.reconcile(100);
    for (const { draft, recorder, job } of publishes) {
      expect(await room.ended(job)).toMatchObject({ status: "completed", generation: 2, epoch: 1 });
      const release_id = await expectReleasedOnce(room, draft, [job]);
      await expectSoundLedger(room, job, ["failed", "completed"]);
      expect(await recorder.served()).toEqual([1]);
      const { header, content } = await live(draft, "dev");
      expect(header).toMatchObject({ release_id });
      expect(JSON.parse(content)).toMatchObject({ config: { title: "Edited" } });
    }
    await reconciler.stop();
  });

  it("during the switch waits for it and is refused: what is published is frozen", async () => {
    const draft = await room.draft();
    const { job, gate } = await room.publishUpTo(draft, "switched");
    const refused = expect(edit(draft, "Too late")).rejects.toMatchObject({ code: "version_published" });
    await room.gates.somebodyWaits("versions");
    await gate.open();
    await refused;
    expect(await room.ended(job)).toMatchObject({ status: "completed", epoch: 1 });
    expect(JSON.parse((await live(draft, "dev")).content)).toMatchObject({ config: { title: "Town" } });
  });
});

describe("two publishes of one draft at once", { timeout: 60_000 }, () => {
  it("to two environments end completed with one release, the same bytes in both", async () => {
    const draft = await room.draft();
    const environments = ["dev", "staging"] as const;
    const recorders = environments.map((environment) => room.record(draft, environment));
    const dev = await room.publishUpTo(draft, "validate", "dev");
    const staging = await room.publishUpTo(draft, "validate", "staging");
    const switching = await room.gates.close({ job_id: dev.job, ...eventOf("switched") });
    const verified = await room.gates.close({ job_id: staging.job, ...eventOf("verify_tiles done") });
    await Promise.all([dev.gate.open(), staging.gate.open()]);
    // Their switches meet: the second stands in line for the version until the first has committed.
    await Promise.all([switching.reached(), verified.reached()]);
    await verified.open();
    await room.gates.somebodyWaits("versions");
    await switching.open();

    for (const { job } of [dev, staging]) {
      expect(await room.ended(job)).toMatchObject({ status: "completed", generation: 1, epoch: 1 });
      await expectSoundLedger(room, job, ["completed"]);
    }
    const release_id = await expectReleasedOnce(room, draft, [dev.job, staging.job]);
    const [one, other] = [await live(draft, "dev"), await live(draft, "staging")];
    expect(one.header).toMatchObject({ release_id, live: { environment: "dev" } });
    expect(other.header).toMatchObject({ release_id, live: { environment: "staging" } });
    expect(one.content).toBe(other.content);
    for (const recorder of recorders) expect(await recorder.served()).toEqual([1]);
    expect(await guardOf(room, draft)).toBeNull();
  });
});

async function edit(draft: Draft, title: string): Promise<{ revision: number }> {
  return editDraft(room.database.em.fork(), await versionOf(room, draft), async (tx) => ({
    changed: await replaceConfig(tx, draft, { title }),
  }));
}

/** What viewers of the environment load, taken apart at the content's first byte. */
async function live(draft: Draft, environment: Environment): Promise<{ header: unknown; content: string }> {
  const pointer = await room.stores.public.getPointer(environment, draft.project);
  if (!pointer) throw new Error(`nothing is live in ${environment}`);
  const document = await text(pointer.body);
  const start = document.indexOf('"config":');
  return { header: JSON.parse(`${document.slice(0, start - 1)}}`), content: `{${document.slice(start)}` };
}
