import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PUBLISH_STEPS, type PublishResult } from "../../contract/publish.ts";
import { workflowId } from "../../contract/workflow-id.ts";
import { createHash } from "node:crypto";
import { text } from "node:stream/consumers";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { releaseDocumentSchema } from "../../src/releases/release-schema.ts";
import { startWorker, type RunningWorker } from "../../src/worker/create-worker.ts";
import {
  createDraft,
  createPublishing,
  jobRow,
  ledger,
  queueJob,
  until,
  type Publishing,
} from "../support/publishing.ts";
import { isFinal, type JobStatus } from "../../contract/job-state.ts";

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

async function ended(id: string) {
  return until(`job ${id} to end`, async () => {
    const row = await jobRow(room, id);
    return isFinal(row.status) && row;
  });
}

async function live(environment: string, project: string) {
  const found = await room.stores.public.getPointer(environment, project);
  return found && { ...found.state, document: JSON.parse(await text(found.body)) };
}

describe("publish", () => {
  it("makes a version an immutable release and the live one of its environment", async () => {
    const draft = await createDraft(room);
    const id = await queueJob(room, draft);
    await startJob(room.deps, id, 1);
    const row = await ended(id);
    expect(row).toMatchObject({ status: "completed", progress: 100, generation: 1, epoch: 1 });
    expect(row.steps.map((step) => step.status)).toEqual(PUBLISH_STEPS.map(() => "done"));

    const result = row.result as unknown as PublishResult;
    expect(result).toMatchObject({ release_url: `/dev/${draft.project}/release.json`, overlay_count: 2 });
    const pointer = await live("dev", draft.project);
    expect(pointer?.document).toMatchObject({ release_id: result.release_id, live: { environment: "dev", epoch: 1 } });
    expect(releaseDocumentSchema.safeParse(pointer?.document).error).toBeUndefined();

    const { config, layers, overlays, tiles } = pointer?.document ?? {};
    const canonical = JSON.stringify({ config, layers, overlays, tiles });
    expect(createHash("sha256").update(canonical).digest("hex")).toBe(result.digest);
  });

  it("tells each step in the ledger, gap-free, with a log entry each and one final event last", async () => {
    const id = await queueJob(room, await createDraft(room));
    await startJob(room.deps, id, 1);
    await ended(id);
    const events = await ledger(room, id);
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
    const done = events.filter((event) => event.kind === "step" && event.data["status"] === "done");
    expect(done.map((event) => event.data["progress"])).toEqual([10, 30, 50, 80, 100]);
    const logged = new Set(events.filter((event) => event.kind === "log").map((event) => event.data["step"]));
    for (const step of PUBLISH_STEPS) expect([...logged]).toContain(step.name);
    expect(events.at(-1)).toMatchObject({ kind: "status", data: { status: "completed" } });
    const final = events.filter((event) => event.kind === "status" && isFinal(event.data["status"] as JobStatus));
    expect(final.length).toBe(1);
  });

  it("takes a published version to another environment as the same release, byte for byte", async () => {
    const draft = await createDraft(room);
    const first = await queueJob(room, draft, "dev");
    await startJob(room.deps, first, 1);
    const dev = await ended(first);
    const second = await queueJob(room, draft, "production");
    await startJob(room.deps, second, 1);
    const production = await ended(second);
    expect(production.status).toBe("completed");
    expect(production.release_id).toBe(dev.release_id);
    const strip = (document: Record<string, unknown>) => ({ ...document, live: null });
    const [one, two] = [await live("dev", draft.project), await live("production", draft.project)];
    expect(JSON.stringify(strip(one?.document))).toBe(JSON.stringify(strip(two?.document)));
  });

  it("fails at validate with every problem, structured, and changes nothing public", async () => {
    const crossing = {
      type: "Polygon",
      coordinates: [
        [
          [0, 0],
          [10, 10],
          [10, 0],
          [0, 10],
          [0, 0],
        ],
      ],
    };
    const draft = await createDraft(room, {
      config: null,
      overlays: [
        { ref: "a", geometry: crossing },
        { ref: "a", layer: "nowhere" },
      ],
    });
    const id = await queueJob(room, draft);
    await startJob(room.deps, id, 1);
    const row = await ended(id);
    expect(row).toMatchObject({ status: "failed", error_code: "version_invalid", switched_at: null });
    expect(await live("dev", draft.project)).toBeNull();
    const { attempts } = await attemptsOf(id, "validate");
    expect(attempts).toBe(1);
  });

  it("answers its progress query and names itself for the operator", async () => {
    const draft = await createDraft(room);
    const id = await queueJob(room, draft);
    await startJob(room.deps, id, 1);
    await ended(id);
    const handle = room.temporal.client.workflow.getHandle(workflowId("publish", id));
    await handle.result();
    expect(await handle.query("progress")).toMatchObject({ step: "mark_published", percent: 100 });
    const description = await handle.describe();
    expect(await description.staticSummary()).toContain(`${draft.project} v1 → dev, by Ada`);
    expect(description.searchAttributes).toMatchObject({
      PlatenProject: [draft.project],
      PlatenEnvironment: ["dev"],
      PlatenStartedBy: ["Ada"],
    });
  });
});

async function attemptsOf(id: string, activity: string) {
  const history = await room.temporal.client.workflow.getHandle(workflowId("publish", id)).fetchHistory();
  const scheduled = history.events?.find(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === activity,
  );
  const started = history.events?.find(
    (event) => String(event.activityTaskStartedEventAttributes?.scheduledEventId) === String(scheduled?.eventId),
  );
  return { attempts: started?.activityTaskStartedEventAttributes?.attempt };
}
