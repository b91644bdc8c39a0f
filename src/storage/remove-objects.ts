/** Removes what is under a prefix that `beginRemoval` has taken. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../db.ts";
import type { ObjectStore } from "./object-store.ts";
import { endRemoval, goOnRemoving, type ObjectPlace, type Removal } from "./orphan-store.ts";

const BATCH = 64;
/** Between two looks whether the place is still mine: far less than what makes a holder a dead one. */
const LOOK_MS = 5_000;

/**
 * Answers how many objects it removed; null when the place was taken over meanwhile. Nothing is deleted later than `LOOK_MS` after the row
 * said that the place is mine: a process that was frozen in between looks again. What is left is one call to the store that is under way
 * for longer than `HOLDER_SECONDS`.
 */
export async function removeObjects(
  { database, store }: { database: Database; store: ObjectStore },
  place: ObjectPlace & { holder: string; removal: Removal },
  signal: AbortSignal,
  told: (count: number) => void = () => undefined,
): Promise<number | null> {
  const db = database.em.fork();
  const since = performance.now();
  let looked = -Infinity;
  const isMine = async (): Promise<boolean> => {
    if (performance.now() - looked < LOOK_MS) return true;
    const began = performance.now();
    if (!(await goOnRemoving(db, place))) return false;
    looked = began;
    return true;
  };
  let count = 0;
  const { prefix } = place;
  // An object that another clean-up has just removed is not counted again.
  const keys = prefix.endsWith("/") ? keysOf(store, prefix) : (await store.head(prefix)) === null ? [] : [prefix];
  for await (const key of keys) {
    signal.throwIfAborted();
    if (!(await isMine())) return null;
    await store.delete(key);
    count += 1;
    if (count % BATCH === 0) told(count);
  }
  // Whoever it was taken over from deletes nothing any more by then.
  if (place.removal === "taken_over")
    await sleep(Math.max(0, since + 2 * LOOK_MS - performance.now()), undefined, { signal });
  await endRemoval(db, place);
  return count;
}

async function* keysOf(store: ObjectStore, prefix: string): AsyncGenerator<string> {
  for await (const { key } of store.list(prefix)) yield key;
}
