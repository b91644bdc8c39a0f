/**
 * Fences and adoption under any order of events: nothing that is stale ever changes the row or the ledger, nothing that is live is
 * refused. A failure prints its seed and path, for `fc.assert(…, { seed, path })`, and the shortest order that fails.
 */
import fc from "fast-check";
import { afterAll, beforeAll, it } from "vitest";
import { createProtocolRoom, type ProtocolRoom } from "../support/protocol-room.ts";
import { playJob, type Event, type Write } from "./interleaved-job.ts";

/** About 10 s. */
const RUNS = 100;
const EVENTS = 60;

let protocol: ProtocolRoom;
beforeAll(async () => {
  protocol = await createProtocolRoom();
});
afterAll(() => protocol?.room.close());

const writes = fc.constantFrom<Write>("log", "leave", "report", "report", "report", "trouble", "settle", "finish");
const act = (during: fc.Arbitrary<Event[]>): fc.Arbitrary<Event> =>
  fc.record({
    kind: fc.constant("act" as const),
    who: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(5) }),
    write: writes,
    delay: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(12) }),
    during,
  });
const others = (during: fc.Arbitrary<Event[]>): fc.WeightedArbitrary<Event>[] => [
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("attempt" as const),
      how: fc.constantFrom("again" as const, "activity reset" as const, "next step" as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("reset run" as const, "terminate" as const, "retry job" as const, "cancel job" as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("reconcile" as const), during }) },
];
const nothing = fc.constant<Event[]>([]);
const simple: fc.Arbitrary<Event> = fc.oneof({ weight: 8, arbitrary: act(nothing) }, ...others(nothing));
const some = fc.oneof(nothing, fc.array(simple, { minLength: 1, maxLength: 4 }));
const event = fc.oneof({ weight: 10, arbitrary: act(some) }, ...others(some));

it("no stale write ever changes the row or the ledger, and no live one is refused, in whatever order", async () => {
  // Without the bias to small ones: most of what goes wrong needs a reset, a retry and two attempts first.
  const orders = fc.noBias(fc.array(event, { minLength: 1, maxLength: EVENTS, size: "max" }));
  await fc.assert(
    fc.asyncProperty(orders, (events) => playJob(protocol, events)),
    { numRuns: RUNS },
  );
}, 120_000);

it("a retry's run that starts while a reset's run adopts the row, and then ends, goes on with the job", async () => {
  const attempt = { kind: "attempt", how: "again" } as const;
  const enters = { kind: "act", who: 0, write: "log", delay: 0 } as const;
  const meanwhile: Event[] = [{ kind: "terminate" }, { kind: "reconcile", during: [] }];
  await playJob(protocol, [
    ...([{ kind: "cancel job" }, { kind: "reset run" }, { kind: "retry job" }] as const),
    ...[attempt, { ...enters, during: meanwhile }],
    ...[attempt, { ...enters, during: [] }, { ...enters, during: [] }],
  ]);
});
