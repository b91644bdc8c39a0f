import { afterAll, beforeAll, expect, test } from "vitest";
import { createReplayer } from "../rules/replay-histories.ts";
import { createRiggedRoom, type RiggedRoom } from "../support/rigged-room.ts";
import { WORKFLOWS_PATH } from "../../src/worker/build-bundle.ts";
import { canonicalHistory } from "./canonical.ts";
import { recordHistory } from "./record-history.ts";
import { SCENARIOS } from "./scenarios.ts";

let room: RiggedRoom;

beforeAll(async () => {
  room = await createRiggedRoom();
  await room.worker(room.config.PLATEN_TASK_QUEUE_PREFIX);
});
afterAll(() => room?.close());

test.each(["completed", "upload-fails-once", "upload-fails"])(
  "recording %s twice gives the same text, which replays, and names nothing of this machine",
  async (name) => {
    const scenario = SCENARIOS[name]!;
    const record = async () => recordHistory(room, await scenario(room));
    const [first, second] = [await record(), await record()];
    expect(second).toBe(first);
    const history = JSON.parse(first) as Parameters<typeof canonicalHistory>[0];
    expect(canonicalHistory(history)).toEqual(history);
    const replay = await createReplayer(WORKFLOWS_PATH);
    expect(await replay([{ name, history: history as never }], { maxCachedWorkflows: 0 })).toEqual({});
    for (const place of [process.cwd(), room.storeFolder, room.temporal.address]) expect(first).not.toContain(place);
  },
);
