import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { workflowId } from "../../contract/workflow-id.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { taskQueue } from "../../src/temporal.ts";
import { digestOf } from "../../src/code-digest.ts";
import { buildId } from "../../src/worker/build-id.ts";
import { startWorker, type RunningWorker } from "../../src/worker/create-worker.ts";
import { ROOT } from "../rules/source-files.ts";
import { reset, workflowResult } from "../support/operator.ts";
import { createDraft, createPublishing, queueJob, until, type Publishing } from "../support/publishing.ts";

const UNVERSIONED = 1;

describe("a build's id", () => {
  it("is what the settings say, else the version and a digest of the code", () => {
    expect(buildId({ PLATEN_BUILD_ID: "nightly" })).toBe("nightly");
    expect(buildId({ PLATEN_BUILD_ID: undefined })).toMatch(/^\d+\.\d+\.\d+-[0-9a-f]{12}$/);
  });

  it("is the same wherever the same code is, and another one after any change of it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "platen-code-"));
    try {
      for (const part of ["contract", "workflows", "activities", "src", "package-lock.json"])
        await cp(join(ROOT, part), join(folder, part), { recursive: true });
      expect(digestOf(folder)).toBe(digestOf(ROOT));
      await writeFile(join(folder, "contract/messages.ts"), "export {};\n");
      expect(digestOf(folder)).not.toBe(digestOf(ROOT));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("in Temporal", () => {
  let room: Publishing;
  beforeAll(async () => {
    room = await createPublishing();
  });
  afterAll(() => room?.close());

  const start = (build: string): Promise<RunningWorker> =>
    startWorker({ config: { ...room.config, PLATEN_BUILD_ID: build }, log: room.deps.log, stores: room.stores });

  const pollers = async (taskQueueType: number) => {
    const { client, namespace, taskQueuePrefix } = room.temporal;
    const name = taskQueue("publish", taskQueuePrefix);
    const request = { namespace, taskQueue: { name }, taskQueueType };
    return (await client.workflowService.describeTaskQueue(request)).pollers ?? [];
  };

  /** Builds of the workers that took the workflow's tasks. */
  async function ranBy(id: string): Promise<(string | null | undefined)[]> {
    const { events } = await room.temporal.client.workflow.getHandle(workflowId("publish", id)).fetchHistory();
    const tasks = events?.flatMap(({ workflowTaskCompletedEventAttributes: its }) => its ?? []) ?? [];
    expect(new Set(tasks.map((task) => task.workerDeploymentName))).toEqual(new Set(["platen"]));
    return [...new Set(tasks.map((task) => task.workerVersion?.buildId))];
  }

  it("pollers, histories and the list of workflows say which build it is, and tasks flow from one build to the next", async () => {
    const old = await start("0.2.0-old");
    const id = await queueJob(room, await createDraft(room));
    await startJob(room.deps, id, 1);
    await workflowResult(room, id);
    expect(await ranBy(id)).toEqual(["0.2.0-old"]);
    for (const kind of [1, 2]) {
      const [poller] = await until(`pollers of kind ${kind}`, async () => {
        const found = await pollers(kind);
        return found.length > 0 && found;
      });
      expect(poller?.deploymentOptions).toMatchObject({
        deploymentName: "platen",
        buildId: "0.2.0-old",
        workerVersioningMode: UNVERSIONED,
      });
    }
    await old.stop();

    // No build was made the current one, none was drained: the run that the old one began goes on with the new one.
    const next = await start("0.2.0-new");
    try {
      await reset(room, id, "markPublished");
      await workflowResult(room, id);
      expect(await ranBy(id)).toEqual(["0.2.0-old", "0.2.0-new"]);
      await until("the workflow to be found by its build", async () => {
        const found = room.temporal.client.workflow.list({ query: `BuildIds = "unversioned:0.2.0-new"` });
        for await (const { workflowId: each } of found) if (each === workflowId("publish", id)) return true;
        return false;
      });
    } finally {
      await next.stop();
    }
  });
});
