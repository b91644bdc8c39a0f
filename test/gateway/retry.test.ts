/** Retries over HTTP: idempotent, and told before. Temporal is down all the while: a retry is accepted without it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { replaceConfig } from "../../src/projects/content-store.ts";
import { editDraft } from "../../src/projects/version-store.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { leaveStep } from "../../src/jobs/protocol/ledger-writes.ts";
import { settleJob } from "../../src/jobs/protocol/settle.ts";
import { readJob } from "../../src/jobs/job-store.ts";
import { versionOf } from "../support/chaos-room.ts";
import { createDraft, ledger, queueJob, type Draft } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";
import { stateOf } from "../support/state-of.ts";
import { firstAttempt, startGatewayRoom, type Answer, type GatewayRoom } from "./gateway-room.ts";

let room: GatewayRoom;
let draft: Draft;
let job: string;

beforeAll(async () => {
  room = await startGatewayRoom();
});
afterAll(() => room?.close());
beforeEach(async () => {
  draft = await createDraft(room);
  job = await queueJob(room, draft);
});

const RELEASE = "rel_20261126000000_00000001";
const YIELDED: Record<string, object> = {
  validate: {
    revision: 1,
    release_id: RELEASE,
    published_at: "2026-11-26T00:00:00.000Z",
    overlay_count: 2,
    tile_count: 15,
  },
  generate_release: { digest: "d".repeat(64), bytes: 1_234 },
  upload: { uploaded: 12, reused: 3 },
  verify_tiles: { verified: 15, mended: 1 },
};

/** Plays the worker up to a step, in which the job fails. */
async function failIn(step: string, generation = 1): Promise<void> {
  const attempt = { ...firstAttempt(job), run_id: `run-${generation}`, generation };
  const before = (await readJob(room.database.em.fork(), job))?.steps ?? [];
  const done = before.filter(({ status }) => status === "done").map(({ name }) => name);
  let at = 0;
  for (const name of [...Object.keys(YIELDED), "mark_published"].filter((each) => !done.includes(each))) {
    at += 1;
    const entered = await enterStep(room.deps, { ...attempt, attempt_at: at }, { step: name, message: name });
    if (entered.kind !== "entered") throw new Error(`did not enter: ${entered.kind}`);
    if (name === step) {
      await settleJob(room.deps, entered.grip, { status: "failed", code: "store_full", message: "No room." });
      return;
    }
    await leaveStep(room.deps, entered.grip, name, "done", { revision: 1, result: YIELDED[name] });
  }
}

const retry = (body: unknown = {}, headers: Record<string, string> = {}): Promise<Answer> =>
  room.call("POST", `/jobs/${job}/retry`, { body, headers });
const preview = (query = ""): Promise<Answer> =>
  room.call("GET", `/jobs/${job}/retry-preview${query}`, { key: room.keys.viewer });
const generation = async (): Promise<number | undefined> => (await readJob(room.database.em.fork(), job))?.generation;
const edit = async () =>
  editDraft(room.database.em.fork(), await versionOf(room, draft), async (tx) => ({
    changed: await replaceConfig(tx, draft, { title: "Edited" }),
  }));

describe("POST /jobs/{id}/retry", () => {
  it("takes no body, or an empty one, and says where it begins and which generation it opened", async () => {
    await failIn("upload");
    const { status, body } = await room.call("POST", `/jobs/${job}/retry`);
    expect(status).toBe(202);
    expect(body).toMatchObject({ status: "queued", generation: 2, from: "upload" });
    expect(body.message).toBe("Retried by admin of harbour from upload");
    const told = await room.call("GET", `/jobs/${job}`);
    expect(told.body).toMatchObject({ status: "queued", progress: 30, generation: 2, step: null });
    expect(told.body.steps.map((step: { status: string }) => step.status)).toEqual([
      "done",
      "done",
      "pending",
      "pending",
      "pending",
    ]);
    expect(told.body.logs.at(-1).message).toBe("Retried by admin of harbour from upload");
  });

  it("with the same key and body answers the same, for as long as the key is remembered; another body is refused", async () => {
    await failIn("upload");
    const key = { "Idempotency-Key": `same-${job}` };
    const first = await retry({ from: "validate" }, key);
    expect([first.status, first.headers.get("Idempotent-Replayed")]).toEqual([202, null]);
    const again = await retry('{ "from" : "validate" }', key);
    expect([again.status, again.headers.get("Idempotent-Replayed")]).toEqual([202, "true"]);
    expect(again.body).toEqual(first.body);
    for (const other of [{}, { from: "validate", generation: 1 }]) {
      expect((await retry(other, key)).body.code).toBe("idempotency_key_reused");
    }
    // Also when the job has gone on, and failed again.
    await failIn("upload", 2);
    const late = await retry({ from: "validate" }, key);
    expect(late.body).toMatchObject({ generation: 2, from: "validate", status: "failed" });
    // What it had said, not what the job says by then.
    expect(late.body.message).toBe("Retried by admin of harbour from validate");
    expect(await generation()).toBe(2);
  });

  it("says why it begins earlier, also when a worker has taken the job up before the answer is written", async () => {
    const executions = scriptedExecutions();
    const soon = await startGatewayRoom({ executions });
    try {
      const edited = await createDraft(soon);
      const id = await queueJob(soon, edited);
      const first = { ...firstAttempt(id), attempt_at: 1 };
      const entered = await enterStep(soon.deps, first, { step: "validate", message: "Validating" });
      if (entered.kind !== "entered") throw new Error(`did not enter: ${entered.kind}`);
      await leaveStep(soon.deps, entered.grip, "validate", "done", { revision: 1, result: YIELDED["validate"] });
      await settleJob(soon.deps, entered.grip, { status: "failed", code: "store_full", message: "No room." });
      await editDraft(soon.database.em.fork(), await versionOf(soon, edited), async (tx) => ({
        changed: await replaceConfig(tx, edited, { title: "Edited" }),
      }));
      executions.whileStarting = async () => {
        const next = { ...firstAttempt(id), run_id: "run-2", generation: 2 };
        await enterStep(soon.deps, next, { step: "validate", message: "Validating again" });
      };
      const { body } = await soon.call("POST", `/jobs/${id}/retry`, { body: {} });
      expect(body).toMatchObject({ status: "running", generation: 2, from: "validate" });
      expect(body.message).toBe(
        "Retried by admin of harbour from validate: the draft was edited since it was validated",
      );
    } finally {
      await soon.close();
    }
  });

  it("twenty times at once under one key opens one generation, and answers all the same", async () => {
    await failIn("upload");
    const key = { "Idempotency-Key": `twenty-${job}` };
    const answers = await Promise.all(Array.from({ length: 20 }, () => retry({}, key)));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.generation} ${body.from}`))).toEqual(
      new Set(["202 2 upload"]),
    );
    expect(answers.filter(({ headers }) => headers.get("Idempotent-Replayed") === "true")).toHaveLength(19);
    expect(await generation()).toBe(2);
  });

  it("that was refused does not use its key up", async () => {
    const key = { "Idempotency-Key": `refused-${job}` };
    expect((await retry({}, key)).body.code).toBe("job_not_retryable");
    await failIn("upload");
    expect((await retry({}, key)).body).toMatchObject({ generation: 2 });
  });

  it("about a generation that is over is refused, unless it is the repeat of what opened the next", async () => {
    await failIn("upload");
    const key = { "Idempotency-Key": `seen-${job}` };
    expect((await retry({ generation: 1 }, key)).status).toBe(202);
    const stranger = await retry({ generation: 1 });
    expect([stranger.status, stranger.body.code]).toEqual([409, "job_changed"]);
    expect(stranger.body.facts).toMatchObject({ seen: 1, generation: 2, status: "queued" });
    await failIn("upload", 2);
    expect((await retry({ generation: 1 })).body.code).toBe("job_changed");
    expect((await retry({ generation: 1 }, key)).body).toMatchObject({ generation: 2, from: "upload" });
  });

  it("refuses steps that were not reached, that do not exist, and fields that it does not know", async () => {
    await failIn("generate_release");
    const later = await retry({ from: "upload" });
    expect([later.status, later.body.code]).toEqual([409, "retry_step_not_reached"]);
    expect(later.body.detail).toContain("cannot begin at upload: generate_release has not finished");
    const unknown = await retry({ from: "bake" });
    expect([unknown.status, unknown.body.code]).toEqual([400, "retry_step_unknown"]);
    expect(unknown.body.detail).toContain("validate, generate_release, upload, verify_tiles, mark_published");
    expect((await retry({ form: "upload" })).body.code).toBe("invalid_request");
    expect(await generation()).toBe(1);
  });
});

describe("GET /jobs/{id}/retry-preview", () => {
  it("tells which steps run again, what is reused in numbers, and what it touches; and changes nothing", async () => {
    await failIn("upload");
    const before = await stateOf(room.database, room.storeFolder);
    const { status, body } = await preview();
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ...{ allowed: true, refused: null, from: "upload", generation: 2 },
      revision: { validated: 1, current: 1, unchanged: true },
      reuse: { steps: 2, overlays: 2, release_bytes: 1_234, tiles: 0, tile_bytes: 0, tiles_verified: 0 },
      run_again: { steps: 3, overlays: 0, release_bytes: 0 },
      touches: { environment: "dev", project: draft.project, version: 1, live_now: null, becomes: { epoch: 1 } },
    });
    const { tiles, tile_bytes, tiles_verified } = body.run_again;
    expect(tiles).toBeGreaterThan(1);
    expect([tile_bytes, tiles_verified]).toEqual([tiles * 300, tiles]);
    expect(body.steps.map(({ name, action }: { name: string; action: string }) => `${name} ${action}`)).toEqual([
      "validate reuse",
      "generate_release reuse",
      "upload run",
      "verify_tiles run",
      "mark_published run",
    ]);
    expect(body.steps[0].finished_at).toMatch(/^\d{4}-/);
    expect(body.steps[1].why).toBe("release.json was generated: 1234 bytes, digest dddddddddddd….");
    expect(body.steps[2].why).toBe(
      `It failed here. ${tiles} tiles are looked for at the destination; only what is missing is sent.`,
    );
    expect(await stateOf(room.database, room.storeFolder)).toEqual(before);
    // What it told is what happens.
    expect((await retry()).body).toMatchObject({ from: body.from, generation: body.generation });
  });

  it("tells of an earlier step, and of a draft that was edited since", async () => {
    await failIn("verify_tiles");
    const earlier = (await preview("?from=generate_release")).body;
    expect(earlier).toMatchObject({ allowed: true, from: "generate_release", reuse: { steps: 1, tiles: 0 } });
    expect(earlier.steps[1].why).toMatch(/^It was asked to begin here\. release\.json is generated from 2 overlays\.$/);
    await edit();
    const edited = (await preview()).body;
    expect(edited).toMatchObject({
      ...{ from: "validate", revision: { validated: 1, current: 2, unchanged: false } },
      reuse: { steps: 0, release_bytes: 0 },
      run_again: { steps: 5, overlays: 2, release_bytes: null },
      touches: { release_id: null },
    });
    expect(edited.steps[0].why).toMatch(/^The draft was edited since it was validated\. 2 overlays and \d+ tiles/);
  });

  it("tells why a retry would be refused, with the refusal's own words", async () => {
    const running = (await preview()).body;
    expect(running).toMatchObject({ allowed: false, refused: { code: "job_not_retryable" } });
    await failIn("upload");
    const asked = await retry({ from: "mark_published" });
    const told = (await preview("?from=mark_published")).body;
    expect(told).toMatchObject({ allowed: false, from: "upload" });
    expect(told.refused).toEqual({ code: "retry_step_not_reached", message: asked.body.detail });
    const other = await createDraft(room, { project: draft });
    const holder = await queueJob(room, other);
    const guarded = (await preview()).body;
    expect(guarded).toMatchObject({
      allowed: false,
      refused: { code: "publish_running", message: (await retry()).body.detail, link: `/jobs/${holder}` },
    });
  });

  it("is 404 for other tenants' jobs and 400 for steps that do not exist", async () => {
    await failIn("upload");
    const path = `/jobs/${job}/retry-preview`;
    expect((await room.call("GET", path, { key: room.keys.foreign })).body.code).toBe("job_not_found");
    const unknown = await preview("?from=bake");
    expect([unknown.status, unknown.body.code]).toEqual([400, "retry_step_unknown"]);
    expect((await ledger(room, job)).some(({ data }) => data["reopened"])).toBe(false);
  });
});
