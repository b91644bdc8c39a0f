/**
 * Stores that do what files say: a step of a project's publish can be held, or meet a store that is away. A publish comes by one call
 * of each step, so a rig says exactly where it is; of step 5 it is the reading of the pointer, behind the switch.
 */
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "../../src/errors.ts";
import type { Stores } from "../../src/storage/object-store.ts";

export type RiggedStep = "validate" | "generate_release" | "upload" | "verify_tiles" | "mark_published";

/** Beside the rigs: the workflows that a worker runs. */
export const BUNDLE = "bundle.json";
const LOOK_MS = 20;
/** `hold` in it: whoever comes to the step waits until it is gone; `fail`: the next one finds the store away. Beside it lies `….reached` from then on, and `….waiting-` for each who waits. */
export const rigFile = (folder: string, project: string, step: RiggedStep): string =>
  join(folder, `${project}.${step}`);

export function riggedStores(stores: Stores, folder: string): Stores {
  async function pass(step: RiggedStep, key: string | undefined, signal?: AbortSignal): Promise<void> {
    const project = key?.split("/").find((segment) => existsSync(rigFile(folder, segment, step)));
    if (project === undefined) return;
    const file = rigFile(folder, project, step);
    const what = await readFile(file, "utf8").catch(() => "");
    await writeFile(`${file}.reached`, "");
    if (what === "fail") {
      await rm(file);
      throw new AppError("store_unavailable", { reason: `${step} is rigged`, object: key ?? "" });
    }
    const waiting = `${file}.waiting-${randomUUID()}`;
    await writeFile(waiting, "");
    try {
      while (existsSync(file)) await delay(LOOK_MS, undefined, signal ? { signal } : {});
    } finally {
      await rm(waiting);
    }
  }
  const { private: drafts, public: viewed, transfer } = stores;
  return {
    ...stores,
    private: {
      ...drafts,
      async inspect(objects, options) {
        await pass("validate", objects[0]?.key, options.signal);
        return drafts.inspect(objects, options);
      },
      async put(key, body, options) {
        await pass("generate_release", key, options?.signal);
        return drafts.put(key, body, options);
      },
    },
    public: {
      ...viewed,
      async inspect(objects, options) {
        await pass("verify_tiles", objects[0]?.key, options.signal);
        return viewed.inspect(objects, options);
      },
      async readPointer(environment, project) {
        await pass("mark_published", project);
        return viewed.readPointer(environment, project);
      },
    },
    transfer: {
      ...transfer,
      async copy(objects, options) {
        await pass("upload", objects[0]?.from, options?.signal);
        return transfer.copy(objects, options);
      },
    },
  };
}
