/** What is explored. */
import type { Setting } from "./state.ts";

const oneJob = { jobs: [{ environment: 0, version: 0 }], environments: 1, versions: 1, slots: 6, maxRuns: 4 };

export const SETTINGS = {
  one: oneJob,
  upload: { ...oneJob, upload: true },
  carry: { ...oneJob, carry: true },
  continued: { ...oneJob, continues: true },
  anyone: { ...oneJob, carry: true, anyoneReconciles: true },
  two: {
    jobs: [
      { environment: 0, version: 0 },
      { environment: 0, version: 1 },
    ],
    ...{ environments: 1, versions: 2, slots: 6, maxRuns: 3, ordered: true },
  },
  twoEnvironments: {
    jobs: [
      { environment: 0, version: 0 },
      { environment: 1, version: 0 },
    ],
    ...{ environments: 2, versions: 1, slots: 6, maxRuns: 3, ordered: true },
  },
  three: {
    jobs: [
      { environment: 0, version: 0 },
      { environment: 0, version: 1 },
      { environment: 0, version: 2 },
    ],
    ...{ environments: 1, versions: 3, slots: 6, maxRuns: 3, ordered: true },
  },
} as const satisfies Record<string, Omit<Setting, "faults">>;

export type SettingName = keyof typeof SETTINGS;
