/**
 * Records the golden histories from real publishes: `npm run record-histories [-- -t SCENARIO] [--update]`. What is recorded stays as it
 * is without `--update`: it stands for runs that are open somewhere.
 */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, inject, test } from "vitest";
import { createRiggedRoom, type RiggedRoom } from "../support/rigged-room.ts";
import { recordHistory } from "./record-history.ts";
import { SCENARIOS, VERSION } from "./scenarios.ts";

let room: RiggedRoom;

beforeAll(async () => {
  room = await createRiggedRoom();
  await room.worker(room.config.PLATEN_TASK_QUEUE_PREFIX);
});
afterAll(() => room?.close());

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  const path = fileURLToPath(new URL(`publish/${VERSION}-${name}.json`, import.meta.url));
  test.runIf(inject("anew") || !existsSync(path))(name, { concurrent: true }, async () => {
    await writeFile(path, await recordHistory(room, scenario));
  });
}
