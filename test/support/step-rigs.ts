/** Rigs the stores of a `step-worker.ts`. */
import { existsSync } from "node:fs";
import { readdir, rm, writeFile } from "node:fs/promises";
import { until } from "./publishing.ts";
import { rigFile, type RiggedStep } from "./step-stores.ts";

export interface Rigs {
  /** Whoever comes to the step waits from now on. */
  hold(project: string, step: RiggedStep): Promise<void>;
  /** The next one who comes there finds the store away, once. */
  fail(project: string, step: RiggedStep): Promise<void>;
  /** Resolves when somebody has come to the step since it was rigged. */
  reached(project: string, step: RiggedStep): Promise<void>;
  /** The attempts that wait there, each by a name of its own; those of killed workers, too. */
  waiting(project: string, step: RiggedStep): Promise<string[]>;
  /** Lets go who waits. */
  release(project: string, step: RiggedStep): Promise<void>;
}

/** Of a machine that runs other tests too, with a worker that was killed before: its attempt is given out again after 10 s. */
const REACHED_MS = 60_000;

/** `folder`: of the worker. */
export function createRigs(folder: string): Rigs {
  const rig = async (project: string, step: RiggedStep, what: "hold" | "fail"): Promise<void> => {
    await rm(`${rigFile(folder, project, step)}.reached`, { force: true });
    await writeFile(rigFile(folder, project, step), what);
  };
  return {
    hold: (project, step) => rig(project, step, "hold"),
    fail: (project, step) => rig(project, step, "fail"),
    async reached(project, step) {
      const seen = `${rigFile(folder, project, step)}.reached`;
      await until(`${project} to come to ${step}`, async () => existsSync(seen), REACHED_MS);
    },
    async waiting(project, step) {
      const prefix = `${project}.${step}.waiting-`;
      return (await readdir(folder)).filter((name) => name.startsWith(prefix));
    },
    release: (project, step) => rm(rigFile(folder, project, step), { force: true }),
  };
}
