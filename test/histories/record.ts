/** Records one golden history per scenario from real publishes: `npm run record-histories [-- -t SCENARIO]`. */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { historyToJSON } from "@temporalio/common/lib/proto-utils.js";
import { afterAll, beforeAll, test } from "vitest";
import { isFinal } from "../../contract/job-state.ts";
import { workflowId } from "../../contract/workflow-id.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { startWorker, type RunningWorker } from "../../src/worker/create-worker.ts";
import { createDraft, createPublishing, jobRow, queueJob, until, type Draft, type Publishing } from "../support/publishing.ts";

/** First part of the file names; raised with package.json's version. */
const VERSION = "0.1";

let room: Publishing;
let worker: RunningWorker;

beforeAll(async () => {
  room = await createPublishing();
  worker = await startWorker({ config: room.config, log: room.deps.log, stores: room.stores });
});
afterAll(async () => {
  await worker?.stop();
  await room?.close();
});

const handleOf = (id: string) => room.temporal.client.workflow.getHandle(workflowId("publish", id));

async function begin(draft: Draft): Promise<string> {
  const id = await queueJob(room, draft);
  await startJob(room.deps, id, 1);
  return id;
}

const ended = (id: string, generation = 1) =>
  until(`job ${id} to end`, async () => {
    const row = await jobRow(room, id);
    return row.generation === generation && isFinal(row.status);
  });

async function record(scenario: string, id: string): Promise<void> {
  await handleOf(id).result().catch(() => undefined);
  const history = await handleOf(id).fetchHistory();
  const path = fileURLToPath(new URL(`publish/${VERSION}-${scenario}.json`, import.meta.url));
  // Stack traces name the folder of whoever recorded.
  const text = historyToJSON(history).replaceAll(fileURLToPath(new URL("../..", import.meta.url)), "platen/");
  await writeFile(path, `${text.trim()}\n`);
}

/** Large enough that an upload is seen while it runs. */
const LARGE = { width: 16_384, height: 16_384, tile_size: 256, overlap: 0, format: "png" } as const;

const inStep = (id: string, step: string) =>
  until(`job ${id} to be in ${step}`, async () => (await jobRow(room, id)).step === step);

test("completed", async () => {
  const id = await begin(await createDraft(room));
  await ended(id);
  await record("completed", id);
});

test("failed-in-validate", async () => {
  const id = await begin(await createDraft(room, { config: null }));
  await ended(id);
  await record("failed-in-validate", id);
});

test("cancelled-in-upload", async () => {
  const id = await begin(await createDraft(room, { descriptor: LARGE, tileBytes: 40 }));
  await inStep(id, "upload");
  await cancelJob(room.deps, { job_id: id, by: room.principal });
  await ended(id);
  await record("cancelled-in-upload", id);
});

test("reset-to-validate", async () => {
  const id = await begin(await createDraft(room));
  await ended(id);
  await handleOf(id).result();
  const { workflowExecution } = await handleOf(id).describe().then((found) => ({
    workflowExecution: { workflowId: found.workflowId, runId: found.runId },
  }));
  await room.temporal.client.workflowService.resetWorkflowExecution({
    namespace: room.temporal.namespace,
    workflowExecution,
    reason: "recording",
    requestId: id,
    // The first workflow task's completion: the run begins again.
    workflowTaskFinishEventId: { low: 4, high: 0, unsigned: false } as never,
  });
  await ended(id, 2);
  await record("reset-to-validate", id);
});

test("retried", async () => {
  const draft = await createDraft(room, { config: null });
  const id = await begin(draft);
  await ended(id);
  await handleOf(id).result().catch(() => undefined);
  await retryJob(room.deps, { job_id: id, by: room.principal });
  await ended(id, 2);
  await record("retried", id);
});
