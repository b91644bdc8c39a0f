import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startGatewayRoom, type GatewayRoom } from "../gateway/gateway-room.ts";
import {
  createChaosRoom,
  expectReleasedOnce,
  expectSoundLedger,
  guardOf,
  type ChaosRoom,
  type Moment,
} from "../support/chaos-room.ts";
import { startOwnTemporal } from "../support/own-servers.ts";
import { jobRow, SMALL, until, type Draft } from "../support/publishing.ts";
import type { PointerRecorder } from "../support/pointer-recorder.ts";

/** The server's own timers go on where they were; what it lost of a task is given out again when that has timed out, after 10 s. */
const END_MS = 90_000;
const MOMENTS: Moment[] = [
  "validate",
  "generate_release done",
  "upload done",
  "mark_published",
  "switched",
  "completed",
];

let temporal: Awaited<ReturnType<typeof startOwnTemporal>>;
let room: ChaosRoom;
let gateway: GatewayRoom;

beforeAll(async () => {
  temporal = await startOwnTemporal();
  room = await createChaosRoom({ temporal });
  gateway = await startGatewayRoom({ room, executions: "real", settings: { PLATEN_RECONCILE_MS: "200" } });
  await room.worker();
});
afterAll(async () => {
  await gateway?.close();
  await room?.close();
});

describe("Temporal that crashes", { timeout: 150_000 }, () => {
  it("and comes back costs no publish, whatever it was doing; what is asked for meanwhile waits and then starts", async () => {
    const victims: Victim[] = [];
    const gates = [];
    for (const moment of MOMENTS) {
      const { gate, ...victim } = await at(moment);
      victims.push(victim);
      gates.push(gate);
    }
    await temporal.crash();
    for (const each of gates) await each.open();
    const waiting = await victimOf();
    const asked = Date.now();
    const accepted = await gateway.call("POST", `/projects/${waiting.draft.project}/versions/1/publish`, {
      body: { target_environment: "dev" },
    });
    expect(accepted).toMatchObject({ status: 202, body: { status: "queued" } });
    expect(Date.now() - asked).toBeLessThan(5_000);
    const ready = await gateway.call("GET", "/readyz");
    expect(ready).toMatchObject({ status: 200, body: { status: "degraded", missing: ["temporal"] } });
    expect(ready.body.checks.temporal.reason).toMatch(/\w/);
    expect(await jobRow(room, accepted.body.id)).toMatchObject({ status: "queued", run_id: null });

    await temporal.restart();
    const since = Date.now();
    for (const each of [...victims, { ...waiting, job: accepted.body.id as string }]) {
      expect(await room.ended(each.job, END_MS)).toMatchObject({ status: "completed", generation: 1, epoch: 1 });
      const release_id = await expectReleasedOnce(room, each.draft, [each.job]);
      await expectSoundLedger(room, each.job, ["completed"]);
      expect(await guardOf(room, each.draft)).toBeNull();
      expect(await each.recorder.served()).toEqual([1]);
      expect(await each.recorder.copy()).toEqual({ epoch: 1, release_id });
    }
    console.log(`Temporal killed: all completed ${((Date.now() - since) / 1_000).toFixed(1)} s after its start`);
    await until("it to be ready", async () => (await gateway.call("GET", "/readyz")).body.status === "ready");
  });
});

/** As long as a frontend may be away. */
const AWAY_MS = 20_000;

describe("Temporal whose frontend answers nothing", { timeout: 150_000 }, () => {
  it("for twenty seconds costs no publish; what is asked for meanwhile is accepted, and starts later", async () => {
    const { gate, ...running } = await at("upload done");
    const since = Date.now();
    const end = temporal.proxy.swallow();
    await gate.open();
    const waiting = await victimOf();
    const accepted = await gateway.call("POST", `/projects/${waiting.draft.project}/versions/1/publish`, {
      body: { target_environment: "dev" },
    });
    expect(accepted).toMatchObject({ status: 202, body: { status: "queued" } });
    expect(Date.now() - since).toBeLessThan(5_000);
    const ready = await gateway.call("GET", "/readyz");
    expect(ready).toMatchObject({ status: 200, body: { status: "degraded", missing: ["temporal"] } });
    await new Promise((resolve) => setTimeout(resolve, AWAY_MS - (Date.now() - since)));
    expect(await jobRow(room, accepted.body.id)).toMatchObject({ status: "queued", run_id: null });

    end();
    const ended = Date.now();
    for (const each of [running, { ...waiting, job: accepted.body.id as string }]) {
      expect(await room.ended(each.job, END_MS)).toMatchObject({ status: "completed", generation: 1, epoch: 1 });
      await expectReleasedOnce(room, each.draft, [each.job]);
      await expectSoundLedger(room, each.job, ["completed"]);
      expect(await each.recorder.served()).toEqual([1]);
    }
    console.log(`Temporal in a black hole: all completed ${((Date.now() - ended) / 1_000).toFixed(1)} s after it`);
  });
});

interface Victim {
  job: string;
  draft: Draft;
  recorder: PointerRecorder;
}

async function victimOf(): Promise<Omit<Victim, "job">> {
  const draft = await room.draft({ descriptor: SMALL });
  return { draft, recorder: room.record(draft) };
}

/** A publish that stands at the moment. */
async function at(moment: Moment) {
  const victim = await victimOf();
  return { ...victim, ...(await room.publishUpTo(victim.draft, moment)) };
}
