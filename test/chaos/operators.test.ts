import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPublishing, type Publishing } from "../support/publishing.ts";
import { walk } from "./operator-walk.ts";
import { createRandom } from "./storm/random.ts";

let room: Publishing;

beforeAll(async () => {
  room = await createPublishing();
});
afterAll(() => room?.close());

/** The long form: `npm run chaos`. */
describe("whatever operators press, and whoever dies meanwhile", { timeout: 200_000 }, () => {
  it("rows equal histories in the end, and no final state changes without a retry or a reset", async () => {
    const random = createRandom();
    console.log(`operators: CHAOS_SEED=${random.seed}`);
    const { faults, done } = await walk(room, random, { projects: 3, steps: 30, pauseMs: 300 });
    console.log(`operators: ${[...done].map(([name, count]) => `${count} × ${name}`).join(", ")}`);
    expect(faults).toEqual([]);
  });
});
