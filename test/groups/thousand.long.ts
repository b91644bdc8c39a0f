import { afterAll, beforeAll, describe, it } from "vitest";
import { createGroupRoom, type GroupRoom } from "./group-room.ts";
import { largeSet, longChain } from "./long-groups.ts";

let groups: GroupRoom;
beforeAll(async () => {
  groups = await createGroupRoom();
  await groups.room.worker();
});
afterAll(() => groups?.room.close());

describe("a thousand members", { timeout: 900_000 }, () => {
  it("all at once are done, once each, and told once each", () => largeSet(groups, 1_000));
  it("one after the other are done, once each, and told in their order", () => longChain(groups, 1_000));
});
