import { afterAll, beforeAll, describe, it } from "vitest";
import { closeStorm, openStorm, rageOverTypes } from "./type-storm.ts";

beforeAll(openStorm);
afterAll(() => closeStorm());

describe("jobs of every type in a short storm", { timeout: 300_000 }, () => {
  it("are all done, each once and in full, with every event told", () => rageOverTypes({ each: 2, rounds: 1 }));
});
