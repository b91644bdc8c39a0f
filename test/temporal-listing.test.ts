import { afterAll, beforeAll, expect, it } from "vitest";
import { workflowId } from "../contract/workflow-id.ts";
import { startJob } from "../src/jobs/protocol/start.ts";
import type { ListedRun } from "../src/temporal.ts";
import { createDraft, createPublishing, queueJob, until, type Publishing } from "./support/publishing.ts";

let room: Publishing;

beforeAll(async () => {
  room = await createPublishing();
});
afterAll(() => room?.close());

async function changedSince(since: number): Promise<ListedRun[]> {
  const found: ListedRun[] = [];
  for await (const runs of room.deps.executions.listChanged(since)) found.push(...runs);
  return found;
}

it("what has changed names an open run once, and only when it has begun since", async () => {
  const before = Date.now() - 60_000;
  const job = await queueJob(room, await createDraft(room));
  await startJob(room.deps, job, 1);
  const [run] = await until("the run to be listed", async () => {
    const found = await changedSince(before);
    return found.length > 0 && found;
  });
  expect(await changedSince(before)).toMatchObject([{ workflow_id: workflowId("publish", job), open: true }]);
  expect(await changedSince((run?.started_at ?? 0) + 1)).toEqual([]);

  await room.temporal.client.workflow.getHandle(workflowId("publish", job)).terminate("enough");
  await until("the end to be listed", async () => (await changedSince((run?.started_at ?? 0) + 1)).length > 0);
  expect(await changedSince(before)).toMatchObject([{ workflow_id: workflowId("publish", job), open: false }]);
});
