import fc from "fast-check";
import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptedExecutions } from "../support/scripted-executions.ts";
import { startGatewayRoom, type GatewayRoom } from "../gateway/gateway-room.ts";
import { createStreamModel, type Action, type Cursor } from "./stream-model.ts";

let room: GatewayRoom;
let other: GatewayRoom;

beforeAll(async () => {
  room = await startGatewayRoom({ executions: scriptedExecutions() });
  other = await startGatewayRoom({ room });
});
afterAll(async () => {
  await other?.close();
  await room?.close();
});

/** Each half of the test; a busy machine gets through fewer runs. */
const TIME_MS = 13_000;
const ACTIONS = 30;
/** More events than a gateway keeps of a job, and than it reads at a time. */
const MANY = 600;

const watcher = fc.nat({ max: 2 });
const cursor: fc.Arbitrary<Cursor> = fc.oneof(
  { arbitrary: fc.constant<Cursor>("own"), weight: 6 },
  { arbitrary: fc.constant<Cursor>("none"), weight: 2 },
  { arbitrary: fc.nat({ max: 25 }), weight: 2 },
  { arbitrary: fc.constantFrom("x", "-1", "1e3", "007x", "99999999999999999999").map((text) => ({ text })), weight: 1 },
);
const open = fc.record({
  do: fc.constant("open" as const),
  watcher,
  gateway: fc.nat({ max: 1 }),
  cursor,
  cutAt: fc.option(fc.integer({ min: 1, max: 6_000 })),
});
const written: fc.Arbitrary<Action> = fc.oneof(
  { arbitrary: fc.record({ do: fc.constantFrom("enter" as const, "leave" as const, "report" as const) }), weight: 5 },
  { arbitrary: fc.record({ do: fc.constant("log" as const), count: fc.integer({ min: 1, max: 4 }) }), weight: 4 },
  { arbitrary: fc.constant({ do: "log" as const, count: MANY }), weight: 1 },
  {
    arbitrary: fc.record({
      do: fc.constant("end" as const),
      status: fc.constantFrom("failed" as const, "cancelled" as const, "failed" as const, "completed" as const),
    }),
    weight: 1,
  },
  { arbitrary: fc.constant({ do: "retry" as const }), weight: 2 },
);
const watched: fc.Arbitrary<Action> = fc.oneof(
  { arbitrary: open, weight: 5 },
  { arbitrary: fc.record({ do: fc.constantFrom("wait" as const, "drop" as const), watcher }), weight: 4 },
);
const truncated: fc.Arbitrary<Action> = fc.record({
  do: fc.constant("truncate" as const),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
});

async function demandOf(actions: fc.Arbitrary<Action>): Promise<void> {
  const end = Date.now() + TIME_MS;
  const property = fc.asyncProperty(fc.array(actions, { maxLength: ACTIONS, size: "max" }), async (list) => {
    // No run is broken off: one that hangs has to be told from one that is late.
    if (Date.now() > end) return;
    const model = await createStreamModel(room, [room.url, other.url]);
    try {
      for (const action of list) await model.act(action);
      await model.finish();
    } finally {
      model.close();
    }
  });
  await fc.assert(property, { numRuns: 100 });
}

describe("whatever is written, dropped and resumed, on two gateways", { timeout: 60_000 }, () => {
  it("what a watcher has of the ledger has no gap and no repeat, and one final event", async () => {
    await demandOf(fc.oneof(written, watched));
  });

  it("a watcher whose events have been deleted meanwhile begins anew with a snapshot that says so", async () => {
    await demandOf(fc.oneof({ arbitrary: fc.oneof(written, watched), weight: 8 }, { arbitrary: truncated, weight: 1 }));
  });
});
