import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApiKey } from "../../src/tenants/tenant-store.ts";
import {
  createChaosRoom,
  expectReleasedOnce,
  expectSoundLedger,
  sourceTile,
  type ChaosRoom,
} from "../support/chaos-room.ts";
import { startGatewayProcess, type GatewayProcess } from "../support/gateway-process.ts";
import { watchJob } from "../support/job-watcher.ts";
import { jobRow, ledger, SMALL, until, type Draft } from "../support/publishing.ts";
import { HELD_WORKER, holdBack } from "../support/stuck-file.ts";
import { tallyOf } from "../support/resume-tally.ts";
import { oneHourAhead } from "./storm/wrong-clock.ts";

const ahead = oneHourAhead();

let room: ChaosRoom;
/** The first is an hour ahead and reconciles; the other has the true time. */
let gateways: GatewayProcess[] = [];
let key: string;

beforeAll(async () => {
  if (!ahead) return;
  room = await createChaosRoom();
  const settings = { PLATEN_RECONCILE_MS: "200" };
  gateways = [
    await startGatewayProcess(room, { settings: { ...settings, ...ahead } }),
    await startGatewayProcess(room, { settings: { PLATEN_RECONCILE_MS: "0" } }),
  ];
  const { tenant_id, principal } = room;
  key = (await createApiKey(room.database.em.fork(), { tenant_id, principal_id: principal.id, role: "admin" })).key;
});
afterAll(async () => {
  for (const gateway of gateways) await gateway.end("SIGKILL");
  await room?.close();
});

describe("a worker and a gateway whose clocks are one hour ahead", { timeout: 120_000 }, () => {
  it("change no state, no order and no time of a publish", async (context) => {
    if (!ahead) return context.skip("faketime is not installed");
    const worker = await room.worker({ entry: HELD_WORKER, settings: ahead });
    const since = Date.now() - 1_000;
    const drafts = [];
    for (let number = 0; number < 3; number++) drafts.push(await room.draft({ descriptor: SMALL }));
    const held = await holdBack(await sourceTile(room, drafts[0]!, 0));
    // By either gateway, in turn.
    const jobs: string[] = [];
    for (const [index, draft] of drafts.entries()) jobs.push((await publish(index, draft)).id);
    const watchers = gateways.map(({ url }) => watchJob({ url, key, job: jobs[0]! }));
    for (const job of jobs.slice(1))
      expect(await room.ended(job)).toMatchObject({ status: "completed", generation: 1 });
    // The leader of the reconcilers has looked at it, and at its lease, by its wrong clock.
    await until("some rounds", async () => (await jobRow(room, jobs[0]!)).step === "upload");
    expect(await publish(0, drafts[0]!)).toMatchObject({ id: jobs[0], replayed: true });
    expect(await publish(1, drafts[0]!)).toMatchObject({ id: jobs[0], replayed: true });
    await held.restore();
    expect(await room.ended(jobs[0]!)).toMatchObject({ status: "completed", generation: 1, epoch: 1 });
    await until("both watchers to be told the end", async () => watchers.every((watcher) => watcher.isDone()));
    const until_ = Date.now() + 1_000;

    const listed = (await (await ask(1, "GET", "/jobs")).json()) as {
      jobs?: { id: string }[];
      items?: { id: string }[];
    };
    expect((listed.jobs ?? listed.items ?? []).map(({ id }) => id)).toEqual(jobs.toReversed());
    for (const [index, job] of jobs.entries()) {
      await expectReleasedOnce(room, drafts[index]!, [job]);
      await expectSoundLedger(room, job, ["completed"]);
      const view = (await (await ask(index, "GET", `/jobs/${job}`)).json()) as View;
      const steps = view.steps.flatMap(({ started_at, finished_at }) => [started_at, finished_at]);
      const times = [
        view.created_at,
        view.started_at,
        view.completed_at,
        view.last_activity_at,
        view.result.published_at,
      ];
      const moments = [...times, ...steps].map((time) => Date.parse(time));
      for (const each of [...moments, (await jobRow(room, job)).attempt_at]) {
        expect(each).toBeGreaterThan(since);
        expect(each).toBeLessThan(until_);
      }
      expect(view.result.release_id.slice(4, 14)).toBe(view.result.published_at.replaceAll(/\D/g, "").slice(0, 10));
    }
    const told = tallyOf(await ledger(room, jobs[0]!), watchers);
    expect(told).toMatchObject({ missing: 0, doubled: 0, out_of_order: 0, wrong: 0, restarts: 0, finals: 2 });
    expect(await worker.stop()).toBe(0);
  });
});

interface View {
  created_at: string;
  started_at: string;
  completed_at: string;
  last_activity_at: string;
  steps: { started_at: string; finished_at: string }[];
  result: { release_id: string; published_at: string };
}

function ask(gateway: number, method: string, path: string, more: object = {}): Promise<Response> {
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json", ...more };
  const body = method === "POST" ? { body: JSON.stringify({ target_environment: "dev" }) } : {};
  return fetch(gateways[gateway % gateways.length]!.url + path, { method, headers, ...body });
}

async function publish(gateway: number, { project }: Draft): Promise<{ id: string; replayed: boolean }> {
  const answer = await ask(gateway, "POST", `/projects/${project}/versions/1/publish`, { "Idempotency-Key": project });
  expect(answer.status).toBe(202);
  const { id } = (await answer.json()) as { id: string };
  return { id, replayed: answer.headers.get("Idempotent-Replayed") === "true" };
}
