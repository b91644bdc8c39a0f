import { expect } from "vitest";
import type { JobSample } from "./sample.ts";

export const maintenance: JobSample = {
  type: "maintenance",
  happy: async () => ({ dry_run: true }),
  failing: null,
  stalling: null,
  later: null,
  busy: "sweep",
  async expectDone(_room, _draft, result) {
    expect(result).toMatchObject({ dry_run: true });
  },
};
