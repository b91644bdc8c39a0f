import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { JOB_TYPES } from "../../contract/job-types.ts";
import { query } from "../../src/db.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { createReconciler } from "../../src/jobs/reconcile.ts";
import { createDraft, ledger, type Draft } from "../support/publishing.ts";
import { firstAttempt, startGatewayRoom, type Answer, type GatewayRoom } from "./gateway-room.ts";

// Temporal is down all the while: accepting a publish must not need it.
let room: GatewayRoom;
beforeAll(async () => {
  room = await startGatewayRoom();
});
afterAll(() => room?.close());

const pathOf = (draft: Draft): string => `/projects/${draft.project}/versions/1/publish`;
const publish = (draft: Draft, body: unknown = {}, headers: Record<string, string> = {}): Promise<Answer> =>
  room.call("POST", pathOf(draft), { body, headers });

async function jobsOf(draft: Draft): Promise<string[]> {
  const rows = await query<{ id: string }>(room.database.em.fork(), "select id from jobs where project_id = $1", [
    draft.project_id,
  ]);
  return rows.map((row) => row.id);
}

describe("a publish", () => {
  it("is accepted while Temporal is down: job, guard and first event are there, and links to follow it", async () => {
    const draft = await createDraft(room);
    const { status, headers, body } = await publish(draft, { target_environment: "dev" });
    expect(status).toBe(202);
    const hex = body.id.replaceAll("-", "");
    expect(body).toMatchObject({
      job_id: `job_${hex}`,
      jobId: `job_${hex}`,
      status: "queued",
      message: `Publish of ${draft.project} version 1 to dev is queued`,
      links: {
        self: `http://platen.test/jobs/${body.id}`,
        stream: `http://platen.test/jobs/${body.id}/stream`,
        workflow: `http://127.0.0.1:8233/namespaces/default/workflows/publish-${body.id}`,
      },
    });
    expect(body.id[14]).toBe("7");
    expect(Number.isNaN(Date.parse(body.created_at))).toBe(false);
    expect(headers.get("Location")).toBe(body.links.self);
    expect(await ledger(room, body.id)).toMatchObject([
      { seq: 1, kind: "status", data: { status: "queued", generation: 1, message: body.message } },
    ]);
    const { body: job } = await room.call("GET", `/jobs/${body.job_id}`);
    expect(job).toMatchObject({
      id: body.id,
      job_type: "publish",
      type: "publish",
      status: "queued",
      progress: 0,
      generation: 1,
      retry_count: 0,
      project: draft.project,
      version: 1,
      environment: "dev",
      payload: { project: draft.project, version: 1, target_environment: "dev" },
      created_by: { name: "admin of harbour" },
      result: null,
      error: null,
      run_id: null,
      capabilities: { cancel: true, retry: false },
      logs: [{ level: "info", message: body.message }],
    });
    expect(job.steps.map((step: { status: string }) => step.status)).toEqual(Array(5).fill("pending"));
  });

  it("goes to production when no environment is named, and no body is needed for that", async () => {
    const draft = await createDraft(room);
    const { status, body } = await room.call("POST", pathOf(draft));
    expect(status).toBe(202);
    expect((await room.call("GET", `/jobs/${body.id}`)).body.environment).toBe("production");
  });

  it("is the same by POST /jobs", async () => {
    const draft = await createDraft(room);
    const { status, body } = await room.call("POST", "/jobs", {
      body: { type: "publish", payload: { project: draft.project, version: 1, target_environment: "staging" } },
    });
    expect([status, body.status, body.type]).toEqual([202, "queued", "publish"]);
    const unknown = await room.call("POST", "/jobs", { body: { type: "bake", payload: {} } });
    expect(unknown.body).toMatchObject({
      code: "job_type_unknown",
      facts: { type: "bake", types: Object.keys(JOB_TYPES).join(", ") },
    });
    const inherited = await room.call("POST", "/jobs", {
      body: { type: "constructor", payload: { project: draft.project, version: 1 } },
    });
    expect(inherited.body.code).toBe("job_type_unknown");
  });

  it("of a draft that is not ready is refused with what is missing, and leaves no job", async () => {
    const draft = await createDraft(room, { config: null, overlays: [{ visible: false }] });
    const { status, body } = await publish(draft);
    expect([status, body.code]).toEqual([422, "version_invalid"]);
    expect(body.errors.map((each: { code: string }) => each.code)).toEqual(["config_missing", "no_visible_overlay"]);
    expect(await jobsOf(draft)).toEqual([]);
    const verdict = await room.call("GET", `${pathOf(draft)}/validate`, { key: room.keys.viewer });
    // The same problems in the same words, whoever is asked.
    expect(verdict.body).toEqual({ valid: false, errors: body.errors });
    expect(body.detail).toContain(`the first: /config: ${body.errors[0].message} Mend what`);
    expect(body.detail).not.toContain("..");
    await room.call("POST", `/projects/${draft.project}/versions`, { body: {} });
    const bare = `/projects/${draft.project}/versions/2/publish`;
    const refused = (await room.call("POST", bare, { body: {} })).body.errors;
    expect(refused.at(-1)).toMatchObject({ code: "tiles_missing" });
    expect((await room.call("GET", `${bare}/validate`)).body.errors).toEqual(refused);
  });

  it("of a draft that is ready is told to be possible, without starting anything", async () => {
    const draft = await createDraft(room);
    expect((await room.call("GET", `${pathOf(draft)}/validate`)).body).toEqual({ valid: true, errors: [] });
    expect(await jobsOf(draft)).toEqual([]);
  });

  it("of a version that does not exist is 404", async () => {
    const draft = await createDraft(room);
    expect((await room.call("POST", `/projects/${draft.project}/versions/2/publish`, { body: {} })).body.code).toBe(
      "version_not_found",
    );
    expect((await room.call("POST", "/projects/nowhere/versions/1/publish", { body: {} })).body.code).toBe(
      "project_not_found",
    );
  });

  it("is one at a time per project and environment; the others learn whom to wait for", async () => {
    const draft = await createDraft(room);
    const answers = await Promise.all(Array.from({ length: 8 }, () => publish(draft, { target_environment: "dev" })));
    const accepted = answers.filter((answer) => answer.status === 202);
    expect(accepted).toHaveLength(1);
    const { id } = accepted[0]!.body;
    for (const { status, body } of answers.filter((answer) => answer.status !== 202)) {
      expect([status, body.code, body.facts.link]).toEqual([409, "publish_running", `/jobs/${id}`]);
    }
    expect(await jobsOf(draft)).toEqual([id]);
    expect((await publish(draft, { target_environment: "staging" })).status).toBe(202);
  });
});

describe("an Idempotency-Key", () => {
  it("makes twenty requests at once one job", async () => {
    const draft = await createDraft(room);
    const headers = { "Idempotency-Key": "twenty-at-once" };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => publish(draft, { target_environment: "dev" }, headers)),
    );
    expect(new Set(answers.map((answer) => `${answer.status} ${answer.body.id}`)).size).toBe(1);
    expect(answers.filter((answer) => answer.headers.get("Idempotent-Replayed") === "true")).toHaveLength(19);
    expect(await jobsOf(draft)).toEqual([answers[0]!.body.id]);
    expect(await ledger(room, answers[0]!.body.id)).toHaveLength(1);
  });

  it("answers the same job however the body was written, and refuses another body", async () => {
    const draft = await createDraft(room);
    const headers = { "Idempotency-Key": "same" };
    const first = await publish(draft, {}, headers);
    const again = await publish(draft, '{ "target_environment" : "production" }', headers);
    expect([again.status, again.body.id, again.headers.get("Idempotent-Replayed")]).toEqual([
      202,
      first.body.id,
      "true",
    ]);
    const other = await publish(draft, { target_environment: "dev" }, headers);
    expect([other.status, other.body.code]).toEqual([422, "idempotency_key_reused"]);
  });

  it("belongs to one principal and one route, and can be used again after a day", async () => {
    const draft = await createDraft(room);
    const headers = { "Idempotency-Key": "mine" };
    const first = await publish(draft, { target_environment: "dev" }, headers);
    const payload = { project: draft.project, version: 1, target_environment: "dev" };
    expect((await room.call("POST", "/jobs", { body: { type: "publish", payload }, headers })).body.code).toBe(
      "publish_running",
    );
    await query(room.database.em.fork(), "update idempotency_keys set expires_at = now() where job_id = $1", [
      first.body.id,
    ]);
    expect((await publish(draft, { target_environment: "dev" }, headers)).body.code).toBe("publish_running");
    const later = await publish(draft, { target_environment: "staging" }, headers);
    expect([later.status, later.body.id === first.body.id]).toEqual([202, false]);
  });

  it("that has expired goes when another one comes", async () => {
    const draft = await createDraft(room);
    const { body } = await publish(draft, { target_environment: "dev" }, { "Idempotency-Key": "old" });
    const db = room.database.em.fork();
    await query(db, "update idempotency_keys set expires_at = now() where job_id = $1", [body.id]);
    await publish(draft, { target_environment: "staging" }, { "Idempotency-Key": "new" });
    expect(await query(db, "select key from idempotency_keys where job_id = $1", [body.id])).toEqual([]);
  });

  it("is not used up by a request that was refused", async () => {
    const draft = await createDraft(room, { overlays: [{ visible: false }] });
    const headers = { "Idempotency-Key": "second-try" };
    expect((await publish(draft, {}, headers)).status).toBe(422);
    await query(room.database.em.fork(), "update overlays set visible = true where version_id = $1", [
      draft.version_id,
    ]);
    expect((await publish(draft, {}, headers)).status).toBe(202);
  });

  it("that no header may hold is refused", async () => {
    const draft = await createDraft(room);
    expect((await publish(draft, {}, { "Idempotency-Key": "x".repeat(256) })).body.code).toBe("invalid_request");
    expect((await publish(draft, {}, { "Idempotency-Key": "two words" })).body.code).toBe("invalid_request");
  });
});

describe("jobs", () => {
  it("are listed newest first, filtered and in pages that neither skip nor repeat", async () => {
    const drafts = await Promise.all([createDraft(room), createDraft(room), createDraft(room)]);
    const ids: string[] = [];
    for (const draft of drafts)
      for (const target_environment of ["dev", "staging"])
        ids.push((await publish(draft, { target_environment })).body.id);
    // All in the same microsecond: the id must decide.
    await query(
      room.database.em.fork(),
      "update jobs set created_at = '2030-01-01 00:00:00.123456+00' where id = any($1::uuid[])",
      [ids],
    );
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null && seen.length < ids.length) {
      const { body }: Answer = await room.call("GET", `/jobs?limit=4${cursor && `&cursor=${cursor}`}`);
      seen.push(...body.jobs.map((job: { id: string }) => job.id));
      cursor = body.next_cursor;
    }
    expect(seen.slice(0, 6)).toEqual(ids.toSorted().reverse());
    const of = async (filter: string): Promise<string[]> =>
      (await room.call("GET", `/jobs?${filter}`)).body.jobs.map((job: { id: string }) => job.id);
    expect(await of(`project=${drafts[0]!.project}&environment=dev`)).toEqual([ids[0]]);
    expect(await of(`project=${drafts[0]!.project}&status=completed,failed`)).toEqual([]);
    expect((await of(`project=${drafts[0]!.project}&status=queued,running&type=publish`)).toSorted()).toEqual(
      ids.slice(0, 2).toSorted(),
    );
    expect(await of("type=bake")).toEqual([]);
  });

  it("that are queued are cancelled at once, with reason and name, can be retried, and keep their ledger", async () => {
    const draft = await createDraft(room);
    const { id } = (await publish(draft, { target_environment: "dev" })).body;
    const cancelled = await room.call("POST", `/jobs/${id}/cancel`, {
      body: { reason: "wrong map" },
      key: room.keys.operator,
    });
    expect(cancelled.body).toMatchObject({
      status: "cancelled",
      cancel_reason: "wrong map",
      capabilities: { cancel: false, retry: true },
    });
    expect(cancelled.body.message).toBe("Cancelled by operator of harbour: wrong map");
    expect((await room.call("GET", `/jobs/${id}/status`)).body).toMatchObject({
      status: "cancelled",
      progress: 0,
      generation: 1,
    });

    const retried = await room.call("POST", `/jobs/${id}/retry`);
    expect([retried.status, retried.body.status, retried.body.generation]).toEqual([202, "queued", 2]);
    expect((await room.call("GET", `/jobs/${id}`)).body).toMatchObject({
      status: "queued",
      error: null,
      generation: 2,
      retry_count: 1,
    });
    expect((await room.call("POST", `/jobs/${id}/retry`)).body.code).toBe("job_not_retryable");
    const { body } = await room.call("GET", `/jobs/${id}`);
    expect(body.logs.map((log: { message: string }) => log.message)).toEqual([
      `Publish of ${draft.project} version 1 to dev is queued`,
      "Cancelled by operator of harbour: wrong map",
      "Retried by admin of harbour from validate",
    ]);
  });
});

describe("while Temporal is away", () => {
  it("a cancel of a running job is noted and answered 202", async () => {
    const draft = await createDraft(room);
    const { id } = (await publish(draft, { target_environment: "dev" })).body;
    await enterStep(room.deps, firstAttempt(id), { step: "validate", message: "Validating" });
    const { status, body } = await room.call("POST", `/jobs/${id}/cancel`, { body: {} });
    expect([status, body.status, typeof body.cancel_requested_at]).toEqual([202, "running", "string"]);
  });
});

describe("once Temporal is back", () => {
  it("a publish that was accepted without it starts by itself", async () => {
    const real = await startGatewayRoom({ executions: "real" });
    try {
      const draft = await createDraft(room);
      const { id } = (await publish(draft, { target_environment: "dev" })).body;
      const reconciler = createReconciler({ ...room.deps, executions: real.executions }, { everyMs: 0, quietMs: 0 });
      await reconciler.round();
      expect(await real.executions.describe(`publish-${id}`)).toMatchObject({
        open: true,
        generation: 1,
        reset: false,
      });
      await reconciler.stop();
    } finally {
      await real.close();
    }
  });
});
