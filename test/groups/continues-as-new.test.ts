/** A thousand members are in thousand.long.ts: here Temporal suggests a new run soon. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { startOwnTemporal } from "../support/own-servers.ts";
import { createGroupRoom, type GroupRoom } from "./group-room.ts";
import { largeSet, longChain } from "./long-groups.ts";

/** Events; the history of a chain of a dozen is some hundred. */
const SUGGESTED_AT = 60;

let groups: GroupRoom;
beforeAll(async () => {
  const dynamicConfig = [`limit.historyCount.suggestContinueAsNew=${SUGGESTED_AT}`];
  groups = await createGroupRoom({ temporal: await startOwnTemporal({ dynamicConfig }) });
  await groups.room.worker();
});
afterAll(() => groups?.room.close());

describe("a group whose history is called long", { timeout: 120_000 }, () => {
  it("goes on in a new run of the same generation, one member after the other, each told in its order", () =>
    longChain(groups, 12));
  it("goes on so with members that are under way, and tells each of them once", () => largeSet(groups, 40));
});
