import { afterAll, beforeAll, describe, it } from "vitest";
import { createGroupRoom, type GroupRoom } from "./group-room.ts";
import { largeSet, longChain } from "./long-groups.ts";

let groups: GroupRoom;
beforeAll(async () => {
  groups = await createGroupRoom();
  await groups.room.worker();
});
afterAll(() => groups?.room.close());

/** Its workflow continues as new in the same generation, with nothing lost, doubled or told twice. */
describe("a group whose history grows long", { timeout: 900_000 }, () => {
  it("of a hundred members, one after the other", () => longChain(groups, 100));
  it("of a thousand: all at once are done, once each, and told once each", () => largeSet(groups, 1_000));
  it("of a thousand: one after the other are done, once each, and told in their order", () => longChain(groups, 1_000));
});
