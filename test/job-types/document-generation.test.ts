/** Documents being made, while their worker dies. */
import { readdir } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { pictureSettings } from "../../src/tiles/cut/picture-settings.ts";
import { createChaosRoom, type ChaosRoom } from "../support/chaos-room.ts";
import { startSample } from "../support/job-samples/sample.ts";
import { createDraft, until } from "../support/publishing.ts";

let room: ChaosRoom;
beforeAll(async () => {
  room = await createChaosRoom();
});
afterEach(() => room.killWorkers());
afterAll(() => room?.close());

const inScratchFolder = (): Promise<string[]> => readdir(pictureSettings(room.config).scratch).catch(() => []);

it("what a killed worker leaves in the scratch folder is removed by the next one", { timeout: 90_000 }, async () => {
  const worker = await room.worker();
  const payload = { format: "pdf", title: "T", code: "for (;;);" };
  const job = await startSample(room, await createDraft(room), { type: "document_generation", payload });
  await until("the document to be in the making", async () => (await inScratchFolder()).length === 1);
  const [left] = await inScratchFolder();
  await worker.kill();
  expect(await inScratchFolder()).toEqual([left]);
  await cancelJob(room.deps, { job_id: job, by: room.principal });
  await room.worker();
  await until("the folder to be gone", async () => !(await inScratchFolder()).includes(left!));
  expect((await room.ended(job, 30_000)).status).toBe("cancelled");
});
