/** Records the golden histories from real publishes: `npm run record-histories [-- -t SCENARIO]`. */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, test } from "vitest";
import { createRiggedRoom, type RiggedRoom } from "../support/rigged-room.ts";
import { recordHistory } from "./record-history.ts";
import { SCENARIOS, VERSION } from "./scenarios.ts";

let room: RiggedRoom;

beforeAll(async () => {
  room = await createRiggedRoom();
  await room.worker(room.config.PLATEN_TASK_QUEUE_PREFIX);
});
afterAll(() => room?.close());

test.concurrent.each(Object.entries(SCENARIOS))("%s", async (name, scenario) => {
  const path = fileURLToPath(new URL(`publish/${VERSION}-${name}.json`, import.meta.url));
  await writeFile(path, await recordHistory(room, scenario));
});
