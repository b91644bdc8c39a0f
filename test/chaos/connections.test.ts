import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { workflowId } from "../../contract/workflow-id.ts";
import { createDatabase } from "../../src/db.ts";
import { startGatewayRoom, type GatewayRoom } from "../gateway/gateway-room.ts";
import { createChaosRoom, expectReleasedOnce, expectSoundLedger, type ChaosRoom } from "../support/chaos-room.ts";
import { exhaustConnections } from "../support/exhausted-connections.ts";
import { pendingActivityOf } from "../support/operator.ts";
import { startOwnPostgres } from "../support/own-servers.ts";
import { SMALL, until, type Draft } from "../support/publishing.ts";

const MAX_CONNECTIONS = 60;

let postgres: Awaited<ReturnType<typeof startOwnPostgres>>;
let room: ChaosRoom;
let gateway: GatewayRoom;

beforeAll(async () => {
  postgres = await startOwnPostgres({ maxConnections: MAX_CONNECTIONS });
  room = await createChaosRoom({ database: postgres });
  const database = await createDatabase({ url: postgres.url, pool: 5 });
  gateway = await startGatewayRoom({
    room: { ...room, database, deps: { ...room.deps, database } },
    ...{ executions: "real", settings: { PLATEN_RECONCILE_MS: "200" } },
  });
  await room.worker();
});
afterAll(async () => {
  await gateway?.close();
  await room?.close();
});

describe("PostgreSQL whose connections others have taken", { timeout: 120_000 }, () => {
  it("is told as unavailable, with its reason; publishes wait, and go on once there is a connection", async () => {
    const [before, during] = [await room.draft({ descriptor: SMALL }), await room.draft({ descriptor: SMALL })];
    const { job, gate } = await room.publishUpTo(before, "generate_release");
    await exhausted(async (complete) => {
      await gate.open();
      const workflow = workflowId("publish", job);
      await until("an attempt to fail", async () => ((await pendingActivityOf(room, workflow))?.attempt ?? 0) > 1);
      await complete();
      const refused = await publish(during);
      expect(refused).toMatchObject({ status: 503, body: { code: "unavailable", facts: { service: "PostgreSQL" } } });
      expect(refused.body.facts.reason).toMatch(/too many clients|connection slots/);
      expect(refused.headers.get("Retry-After")).toMatch(/^\d/);
      expect(await gateway.call("GET", "/readyz")).toMatchObject({
        status: 503,
        body: { missing: expect.arrayContaining(["postgresql"]) },
      });
    });
    await until("the gateway to be ready", async () => (await gateway.call("GET", "/readyz")).status === 200);
    const accepted = await publish(during);
    expect(accepted).toMatchObject({ status: 202 });
    for (const [draft, id] of [
      [before, job],
      [during, accepted.body.id as string],
    ] as const) {
      expect(await room.ended(id, 60_000)).toMatchObject({ status: "completed", generation: 1, epoch: 1 });
      await expectReleasedOnce(room, draft, [id]);
      await expectSoundLedger(room, id, ["completed"]);
    }
  });
});

async function exhausted(work: (complete: () => Promise<void>) => Promise<void>): Promise<void> {
  const { complete, giveBack } = await exhaustConnections(postgres.quiet);
  try {
    await work(complete);
  } finally {
    await giveBack();
  }
}

const publish = (draft: Draft) =>
  gateway.call("POST", `/projects/${draft.project}/versions/1/publish`, { body: { target_environment: "dev" } });
