/** A publish of a version that has a source picture and no tiles: it has them cut first, by a child. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { query } from "../../src/db.ts";
import { findVersion } from "../../src/projects/version-store.ts";
import { readinessProblems } from "../../src/releases/validate-version.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { createChaosRoom, expectReleasedOnce, expectSoundLedger, type ChaosRoom } from "../support/chaos-room.ts";
import { versionOf } from "../support/job-samples/sample.ts";
import { picture, untiledDraft } from "../support/pictures.ts";
import { reset } from "../support/operator.ts";
import { jobRow, until, type Draft } from "../support/publishing.ts";

let room: ChaosRoom;
beforeAll(async () => {
  room = await createChaosRoom();
  // It would start the child before the workflow does, on a busy machine.
  room.reconcile(300, 1_500);
  // What cuts tiles has no worker yet.
  await room.worker({ settings: { PLATEN_WORKER_QUEUES: "publish" } });
});
afterAll(() => room?.close());

const sql = (text: string, ...params: unknown[]) =>
  query<Record<string, unknown>>(room.database.em.fork(), text, params);

const untiled = async ({ withPicture = true } = {}): Promise<Draft> =>
  untiledDraft(room, withPicture ? await picture(700, 500) : null);

/** The child's id, once it is begun. */
const childOf = (job: string) =>
  until("the tiles to be begun", async () => {
    const [row] = await sql(`select id from jobs where parent_id = $1 and member_key = 'tiles'`, job);
    return row && String(row["id"]);
  });
/** Reset before that, the new run would start the child itself, and have none to attach to. */
const started = (child: string) =>
  until("the child's workflow", async () => {
    const { workflow_id } = await jobRow(room, child);
    return room.temporal.client.workflow
      .getHandle(workflow_id)
      .describe()
      .catch(() => null);
  });
const render = () => room.worker({ settings: { PLATEN_WORKER_QUEUES: "publish,render" } });

describe("a publish of a version with a source picture and no tiles", { timeout: 120_000 }, () => {
  it("is ready, and without the picture it is not", async () => {
    for (const [withPicture, codes] of [
      [true, []],
      [false, ["tiles_missing"]],
    ] as const) {
      const draft = await untiled({ withPicture });
      const number = await versionOf(room, draft);
      const db = room.database.em.fork();
      const version = await findVersion(db, { tenant_id: draft.tenant_id, project: draft.project, version: number });
      expect((await readinessProblems(db, version)).map(({ code }) => code)).toEqual(codes);
    }
  });

  it("that waits long for them looks ever more seldom, so that its history stays short", async () => {
    const job = await room.publish(await untiled());
    await childOf(job);
    await until(
      "a pause of more than ten seconds",
      async () => {
        const { events } = await room.temporal.client.workflow.getHandle(`publish-${job}`).fetchHistory();
        return events?.some(({ timerStartedEventAttributes: it }) => Number(it?.startToFireTimeout?.seconds ?? 0) > 10);
      },
      80_000,
    );
    await cancelJob(room.deps, { job_id: job, by: room.principal });
    expect(await room.ended(job, 40_000)).toMatchObject({ status: "cancelled" });
  });

  it("that is cancelled while its tiles are cut cancels them", async () => {
    const job = await room.publish(await untiled());
    const child = await childOf(job);
    await cancelJob(room.deps, { job_id: job, by: room.principal });
    expect(await room.ended(job, 40_000)).toMatchObject({ status: "cancelled" });
    expect(await jobRow(room, child)).toMatchObject({ status: "cancelled", cancel_requested_at: expect.anything() });
  });

  it("and whose workflow is reset attaches to the child that runs, and publishes once", async () => {
    const draft = await untiled();
    const job = await room.publish(draft);
    const child = await childOf(job);
    await started(child);
    const run = await reset(room, job);
    await until("the new run to have the row", async () => (await jobRow(room, job)).run_id === run);
    await until(
      "one activity to await the child for more than eleven seconds",
      async () => {
        const { raw } = await room.temporal.client.workflow.getHandle(`publish-${job}`).describe();
        const since = Number(raw.pendingActivities?.[0]?.lastStartedTime?.seconds ?? Infinity);
        return Date.now() / 1_000 - since > 12;
      },
      40_000,
    );
    await render();
    expect(await room.ended(job, 60_000)).toMatchObject({ status: "completed", generation: 2 });
    expect(await jobRow(room, child)).toMatchObject({ status: "completed", generation: 1, parent_id: job });
    await expectReleasedOnce(room, draft, [job]);
    await expectSoundLedger(room, child, ["completed"]);
  });

  it("has them cut by a child, and releases them", async () => {
    const draft = await untiled();
    const job = await room.publish(draft);
    const row = await room.ended(job, 60_000);
    expect(row).toMatchObject({ status: "completed", generation: 1, result: { tile_count: 17 } });
    const { workflow_id } = await jobRow(room, await childOf(job));
    const { raw } = await room.temporal.client.workflow.getHandle(workflow_id).describe();
    expect(raw.workflowExecutionInfo?.parentExecution?.workflowId).toBe(`publish-${job}`);
    await expectSoundLedger(room, job, ["completed"]);
  });

  it("fails with the child's reason, and a retry has them cut again", async () => {
    const draft = await untiled();
    const [kept] = await sql(`select artifact_id from source_pictures where version_id = $1`, draft.version_id);
    const job = await room.publish(draft, { start: false });
    // Another process takes the picture away between the request and its turn.
    const gate = await room.gates.close({ job_id: job, kind: "step", data: { step: "validate", status: "running" } });

    await startJob(room.deps, job, 1);
    await gate.reached();
    await sql(`delete from source_pictures where version_id = $1`, draft.version_id);
    await gate.open();
    expect(await room.ended(job, 40_000)).toMatchObject({ status: "failed", error_code: "tiles_not_made" });
    const child = await childOf(job);
    expect(await jobRow(room, child)).toMatchObject({ status: "failed", error_code: "picture_missing" });
    await sql(
      `insert into source_pictures (version_id, tenant_id, artifact_id, width, height) values ($1, $2, $3, 700, 500)`,
      ...[draft.version_id, draft.tenant_id, kept?.["artifact_id"]],
    );
    await retryJob(room.deps, { job_id: job, by: room.principal });
    await until(
      "generation 2 to end",
      async () => {
        const row = await jobRow(room, job);
        return row.generation === 2 && row.status === "completed";
      },
      60_000,
    );
    expect(await jobRow(room, child)).toMatchObject({ status: "completed", generation: 2 });
  });
});
