/**
 * Sees what viewers see: watches the folder of one pointer in the public store and records every change of it. Knows nothing of
 * the records, nor of the code that writes: only that the highest numbered file is live and that `release.json` is its copy.
 */
import { createHash } from "node:crypto";
import { watch, type FSWatcher } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

export interface PointerRecorder {
  /** Epochs in the order in which they became the live one. Error: what no viewer may ever see. */
  served(): Promise<number[]>;
  /** What `release.json`, the copy for static file servers, holds now; null if it is not there. */
  copy(): Promise<{ epoch: number; release_id: string } | null>;
  stop(): void;
}

const EPOCH_FILE = /^(\d{12})\.json$/;
/** Pause between two looks that nothing prompted: watching misses what happens before the folder is there. */
const LOOK_MS = 5;

/** `lookMs`: longer where a test has many of them. */
export function recordPointer(
  storeFolder: string,
  environment: string,
  project: string,
  lookMs = LOOK_MS,
): PointerRecorder {
  const folder = join(storeFolder, "public", environment, project);
  const digests = new Map<string, string>();
  const served: number[] = [];
  const wrongs: string[] = [];
  let watcher: FSWatcher | undefined;
  let looking: Promise<void> = Promise.resolve();
  let queued = false;

  async function look(): Promise<void> {
    queued = false;
    const names = await readdir(folder).catch(() => null);
    if (names) watcher ??= watch(folder, soon).on("error", () => undefined);
    const epochs = (names ?? []).filter((name) => EPOCH_FILE.test(name)).sort();
    for (const name of digests.keys()) if (!epochs.includes(name)) wrongs.push(`${name} has gone`);
    for (const name of epochs) {
      const bytes = await readFile(join(folder, name));
      const digest = createHash("sha256").update(bytes).digest("hex");
      if ((digests.get(name) ?? digest) !== digest) wrongs.push(`the bytes of ${name} have changed`);
      const { live } = JSON.parse(bytes.toString()) as { live: { epoch: number } };
      if (live.epoch !== Number.parseInt(name, 10)) wrongs.push(`${name} holds epoch ${live.epoch}`);
      digests.set(name, digest);
    }
    const highest = epochs.at(-1);
    if (highest === undefined) return;
    const epoch = Number.parseInt(highest, 10);
    const last = served.at(-1) ?? 0;
    if (epoch < last) wrongs.push(`the pointer went back from epoch ${last} to ${epoch}`);
    if (epoch !== last) served.push(epoch);
  }
  function soon(): void {
    if (queued) return;
    queued = true;
    looking = looking.then(look).catch((error: unknown) => void wrongs.push(String(error)));
  }
  const timer = setInterval(soon, lookMs);

  return {
    async served() {
      soon();
      await looking;
      if (wrongs.length > 0) throw new Error(`${environment}/${project}: ${wrongs.join("; ")}`);
      return [...served];
    },
    async copy() {
      const text = await readFile(join(folder, "release.json"), "utf8").catch(() => null);
      if (text === null) return null;
      const { release_id, live } = JSON.parse(text) as { release_id: string; live: { epoch: number } };
      return { epoch: live.epoch, release_id };
    },
    stop() {
      clearInterval(timer);
      watcher?.close();
    },
  };
}
