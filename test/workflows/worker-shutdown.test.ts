import { afterAll, beforeAll, expect, it } from "vitest";
import { isFinal } from "../../contract/job-state.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { startWorker } from "../../src/worker/create-worker.ts";
import {
  createDraft,
  createPublishing,
  jobRow,
  ledger,
  queueJob,
  until,
  type Publishing,
} from "../support/publishing.ts";

let room: Publishing;
beforeAll(async () => {
  room = await createPublishing();
});
afterAll(() => room?.close());

const start = () => startWorker({ config: room.config, log: room.deps.log, stores: room.stores });

it("a worker that shuts down in an upload hands over: the next one resumes, and nobody calls it cancelled", async () => {
  const descriptor = { width: 20_000, height: 20_000, tile_size: 256, overlap: 0, format: "png" } as const;
  const draft = await createDraft(room, { descriptor, tileBytes: 20 });
  const id = await queueJob(room, draft);
  const first = await start();
  await startJob(room.deps, id, 1);
  await until(
    "tiles to be uploaded",
    async () => {
      const row = await jobRow(room, id);
      return row.step === "upload" && row.progress > 30;
    },
    60_000,
  );
  await first.stop();
  expect(await jobRow(room, id)).toMatchObject({ status: "running", step: "upload" });

  const second = await start();
  const ended = await until(
    "the job to end",
    async () => {
      const row = await jobRow(room, id);
      return isFinal(row.status) && row;
    },
    60_000,
  );
  await second.stop();
  expect(ended).toMatchObject({ status: "completed", generation: 1 });
  const logs = (await ledger(room, id))
    .filter((event) => event.kind === "log")
    .map((event) => String(event.data["message"]));
  expect(logs.find((message) => message.startsWith("Resuming at tile"))).toBeDefined();
}, 180_000);
