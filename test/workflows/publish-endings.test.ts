/** What an operator reads of a publish in the Temporal Web UI: without opening payloads, and when it has not completed. */
import { ActivityFailure, ApplicationFailure, CancelledFailure, TimeoutFailure } from "@temporalio/common";
import { WorkflowFailedError } from "@temporalio/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { workflowId } from "../../contract/workflow-id.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { createExecutions } from "../../src/temporal.ts";
import { startWorker, type RunningWorker } from "../../src/worker/create-worker.ts";
import { describe as describeFailure } from "../../workflows/endings.ts";
import { createDraft, createPublishing, queueJob, until, type Draft, type Publishing } from "../support/publishing.ts";

let room: Publishing;
let worker: RunningWorker | undefined;

beforeAll(async () => {
  room = await createPublishing();
});
afterAll(async () => {
  await worker?.stop();
  await room?.close();
});

/** Starts a publish as a gateway does that people reach as `platen.test`. */
async function start(draft: Draft): Promise<string> {
  const { taskQueuePrefix, client } = room.temporal;
  const executions = createExecutions(client, { taskQueuePrefix, publicUrl: "https://platen.test/" });
  const job = await queueJob(room, draft);
  await startJob({ ...room.deps, executions }, job, 1);
  return job;
}
const handleOf = (job: string) => room.temporal.client.workflow.getHandle(workflowId("publish", job));
const failureOf = async (job: string): Promise<Error | undefined> => {
  const error: unknown = await handleOf(job)
    .result()
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(WorkflowFailedError);
  return (error as WorkflowFailedError).cause;
};

/** Ids of the runs that a list in the Web UI with this filter shows. */
async function listed(filter: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { workflowId: id } of room.temporal.client.workflow.list({ query: filter })) found.push(id);
  return found;
}

describe("a publish in the Web UI", { timeout: 60_000 }, () => {
  it("names project, who, step and a link to its job, before a worker has come and while it runs", async () => {
    const draft = await createDraft(room);
    const job = await start(draft);
    const link = `(https://platen.test/jobs/${job})`;
    const description = await handleOf(job).describe();
    expect(await description.staticSummary()).toBe(`${draft.project} v1 → dev, by Ada`);
    expect(await description.staticDetails()).toContain(link);
    worker = await startWorker({ config: room.config, log: room.deps.log, stores: room.stores });
    await handleOf(job).result();
    const { currentDetails } = await handleOf(job).query<{ currentDetails: string }>("__temporal_workflow_metadata");
    const [first] = currentDetails.split("\n");
    expect(first).toMatch(new RegExp(`^\\*\\*${draft.project} v1 → dev, by Ada: live as rel_\\w+\\*\\* · \\[job\\]`));
    expect(first).toContain(link);
    expect((await handleOf(job).describe()).searchAttributes).not.toHaveProperty("PlatenFailure");
  });

  it("that failed says so in our sentence and with our code, with the activity's failure beneath, and is listed by the code", async () => {
    const draft = await createDraft(room, { config: null });
    const job = await start(draft);
    const failure = await failureOf(job);
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({
      type: "version_invalid",
      message: expect.stringMatching(
        /^The version has 1 problem\(s\).*Mend what `errors` lists, then publish again\.$/,
      ),
      cause: { activityType: "validate", cause: { type: "version_invalid", details: [{ code: "version_invalid" }] } },
    });
    const filter = `PlatenFailure = "version_invalid" and PlatenProject = "${draft.project}"`;
    await until("the list to show it", async () => (await listed(filter)).includes(workflowId("publish", job)));
  });

  it("that was cancelled is cancelled, and listed as such", async () => {
    const draft = await createDraft(room, { descriptor: LARGE, tileBytes: 40 });
    const job = await start(draft);
    await until("it to begin", async () => (await handleOf(job).describe()).raw.pendingActivities?.length);
    await cancelJob(room.deps, { job_id: job, by: room.principal });
    expect(await failureOf(job)).toBeInstanceOf(CancelledFailure);
    const filter = `PlatenFailure = "cancelled" and PlatenProject = "${draft.project}"`;
    await until("the list to show it", async () => (await listed(filter)).includes(workflowId("publish", job)));
  });
});

/** Large enough that it is cancelled while it runs. */
const LARGE = { width: 16_384, height: 16_384, tile_size: 256, overlap: 0, format: "png" } as const;

describe("what no activity of ours has said", () => {
  const inUpload = (cause: Error) => new ActivityFailure("Activity task failed", "upload", "3", "TIMEOUT", "1", cause);

  it("is a time limit, with the activity that ran into it", () => {
    expect(
      describeFailure(inUpload(new TimeoutFailure("activity StartToClose timeout", undefined, "START_TO_CLOSE")), "j"),
    ).toEqual({
      code: "timed_out",
      message:
        "The workflow ran into its time limit in upload (activity StartToClose timeout). " +
        "Look at the workflow in the Temporal Web UI, then retry.",
    });
  });

  it("or something unexpected, in the server's words", () => {
    expect(describeFailure(inUpload(new CancelledFailure("gone")), "job-1")).toMatchObject({
      code: "internal",
      message: expect.stringContaining("gone"),
    });
  });
});
