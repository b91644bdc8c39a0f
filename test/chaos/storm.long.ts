import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startGatewayRoom, type GatewayRoom } from "../gateway/gateway-room.ts";
import {
  createChaosRoom,
  expectReleasedOnce,
  expectSoundLedger,
  guardOf,
  type ChaosRoom,
} from "../support/chaos-room.ts";
import { startOwnPostgres, startOwnTemporal } from "../support/own-servers.ts";
import { SMALL, until, type Draft } from "../support/publishing.ts";
import { expectWhole } from "../support/whole-release.ts";

const PROJECTS = 40;
const FAULTS = 12;
/** Between two faults: enough for some steps, too little for all. */
const PAUSE_MS = 3_000;

let postgres: Awaited<ReturnType<typeof startOwnPostgres>>;
let temporal: Awaited<ReturnType<typeof startOwnTemporal>>;
let room: ChaosRoom;
let gateway: GatewayRoom;

beforeAll(async () => {
  [postgres, temporal] = await Promise.all([startOwnPostgres(), startOwnTemporal()]);
  room = await createChaosRoom({ database: postgres, temporal });
  gateway = await startGatewayRoom({ room, executions: "real" });
});
afterAll(async () => {
  await gateway?.close();
  await room?.close();
});

describe("forty publishes in a storm", { timeout: 600_000 }, () => {
  it("of crashes of PostgreSQL, Temporal and the worker end completed, once each", async () => {
    const drafts: Draft[] = [];
    for (let number = 0; number < PROJECTS; number++) drafts.push(await room.draft({ descriptor: SMALL }));
    const recorders = drafts.map((draft) => room.record(draft, "dev", 50));
    await room.worker();
    const accepted = Promise.all(drafts.map(publish));
    const since = Date.now();
    for (let number = 0; number < FAULTS; number++) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      if (number % 3 === 0) await postgres.crash().then(postgres.restart);
      if (number % 3 === 1) await room.killWorkers().then(() => room.worker());
      if (number % 3 === 2) await temporal.crash().then(temporal.restart);
    }
    console.log(`the storm: ${FAULTS} faults in ${((Date.now() - since) / 1_000).toFixed(0)} s`);
    for (const [index, job] of (await accepted).entries()) {
      const draft = drafts[index]!;
      expect(await room.ended(job, 180_000)).toMatchObject({ status: "completed", generation: 1, epoch: 1 });
      await expectReleasedOnce(room, draft, [job]);
      await expectSoundLedger(room, job, ["completed"]);
      await expectWhole(room, draft);
      expect(await guardOf(room, draft)).toBeNull();
      expect(await recorders[index]?.served()).toEqual([1]);
    }
    console.log(`the storm: all completed after ${((Date.now() - since) / 1_000).toFixed(0)} s`);
  });
});

/** As a good client does: the same request with the same key until it is accepted. */
async function publish(draft: Draft, index: number): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, (index * FAULTS * PAUSE_MS) / PROJECTS));
  return until(
    `${draft.project} to be accepted`,
    async () => {
      const { status, body } = await gateway.call("POST", `/projects/${draft.project}/versions/1/publish`, {
        body: { target_environment: "dev" },
        headers: { "Idempotency-Key": draft.project },
      });
      expect([202, 503]).toContain(status);
      return status === 202 && (body.id as string);
    },
    120_000,
  );
}
