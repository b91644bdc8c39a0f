import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { query } from "../../src/db.ts";
import { startGatewayRoom, type GatewayRoom } from "../gateway/gateway-room.ts";
import {
  createChaosRoom,
  expectNothingPublic,
  expectReleasedOnce,
  expectSoundLedger,
  guardOf,
  type ChaosRoom,
  type Moment,
} from "../support/chaos-room.ts";
import type { CommitGate } from "../support/commit-gate.ts";
import { startOwnPostgres } from "../support/own-servers.ts";
import { SMALL, until, type Draft } from "../support/publishing.ts";
import type { PointerRecorder } from "../support/pointer-recorder.ts";

/** Retries come up to 15 s apart. */
const END_MS = 60_000;
/** One commit of each transaction that a publish consists of; `failed` ends one whose draft has no config. */
const MOMENTS: Moment[] = [
  ...(["validate", "generate_release", "upload", "verify_tiles", "mark_published"] as const),
  ...(["validate done", "generate_release done", "upload done", "verify_tiles done"] as const),
  ...(["switched", "completed", "failed"] as const),
];

let postgres: Awaited<ReturnType<typeof startOwnPostgres>>;
let room: ChaosRoom;
let gateway: GatewayRoom;

beforeAll(async () => {
  postgres = await startOwnPostgres();
  room = await createChaosRoom({ database: postgres });
  gateway = await startGatewayRoom({ room, executions: "real", settings: { PLATEN_RECONCILE_MS: "200" } });
  await room.worker();
});
afterAll(async () => {
  await gateway?.close();
  await room?.close();
});

describe("a commit whose answer is lost", { timeout: 120_000 }, () => {
  it("counts once, at each step, in the switch and at the end: one release, and the job ends as it should", async () => {
    const victims = await atEachMoment();
    for (const { gate } of victims) {
      for (const port of await gate.ports()) postgres.proxy.loseAnswers(port);
      await gate.open();
    }
    for (const each of victims) await expectEnded(each);
  });

  it("of an accepted publish is answered 503; the repeat with its key is answered with that job", async () => {
    const draft = await room.draft({ descriptor: SMALL });
    const gate = await room.gates.close({ job_id: null, kind: "status", data: { status: "queued" } });
    const first = publish(draft, "once");
    await gate.reached();
    for (const port of await gate.ports()) postgres.proxy.loseAnswers(port);
    await gate.open();
    expect(await first).toMatchObject({ status: 503, body: { code: "unavailable", facts: { service: "PostgreSQL" } } });

    const repeat = await publish(draft, "once");
    expect(repeat).toMatchObject({ status: 202 });
    expect(repeat.headers.get("Idempotent-Replayed")).toBe("true");
    const sql = `select id from jobs where project_id = $1`;
    expect(await query(room.database.em.fork(), sql, [draft.project_id])).toEqual([{ id: repeat.body.id }]);
    // Nobody was there to start it: the reconciler did.
    expect(await room.ended(repeat.body.id)).toMatchObject({ status: "completed", epoch: 1 });
    await expectReleasedOnce(room, draft, [repeat.body.id]);
  });
});

describe("PostgreSQL that crashes", { timeout: 120_000 }, () => {
  it("in the middle of every step and of the switch, and comes back, costs no publish", async () => {
    const victims = await atEachMoment();
    const accepted = await publish(await room.draft({ descriptor: SMALL }), "before");
    await postgres.crash();
    const [down, ready] = [await publish(victims[0]!.draft, "down"), await gateway.call("GET", "/readyz")];
    expect(down).toMatchObject({ status: 503, body: { code: "unavailable" } });
    expect(ready).toMatchObject({ status: 503, body: { missing: ["postgresql", "notifications"] } });
    await postgres.restart();
    await until("the gateway to be ready", async () => (await gateway.call("GET", "/readyz")).status === 200);
    for (const each of victims) await expectEnded(each);
    expect(await room.ended(accepted.body.id, END_MS)).toMatchObject({ status: "completed" });
  });
});

interface Victim {
  job: string;
  draft: Draft;
  recorder: PointerRecorder;
  moment: Moment;
}

/** A publish that stands inside the commit, for each of them. */
async function atEachMoment(): Promise<(Victim & { gate: CommitGate })[]> {
  const victims = [];
  for (const moment of MOMENTS) {
    const draft = await room.draft({ descriptor: SMALL, ...(moment === "failed" ? { config: null } : {}) });
    const recorder = room.record(draft);
    victims.push({ draft, recorder, moment, ...(await room.publishUpTo(draft, moment)) });
  }
  return victims;
}

async function expectEnded({ job, draft, recorder, moment }: Victim): Promise<void> {
  const status = moment === "failed" ? "failed" : "completed";
  expect(await room.ended(job, END_MS), moment).toMatchObject({ status, generation: 1 });
  await expectSoundLedger(room, job, [status]);
  expect(await guardOf(room, draft)).toBeNull();
  if (status === "failed") return expectNothingPublic(room, draft, recorder);
  const release_id = await expectReleasedOnce(room, draft, [job]);
  expect(await recorder.served()).toEqual([1]);
  expect(await recorder.copy()).toEqual({ epoch: 1, release_id });
}

const publish = (draft: Draft, key: string) =>
  gateway.call("POST", `/projects/${draft.project}/versions/1/publish`, {
    body: { target_environment: "dev" },
    headers: { "Idempotency-Key": `${draft.project}-${key}` },
  });
