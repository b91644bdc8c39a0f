import { afterAll, beforeAll, describe, it } from "vitest";
import { closeStorm, openStorm, rageOverTypes } from "./type-storm.ts";

beforeAll(openStorm);
afterAll(() => closeStorm());

describe("jobs of every type in a long storm", { timeout: 1_200_000 }, () => {
  it("are all done, each once and in full, with every event told", () => rageOverTypes({ each: 12, rounds: 6 }));
});
