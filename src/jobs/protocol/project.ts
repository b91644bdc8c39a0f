/**
 * project(e): brings the pointer in the store up to epoch `e`. Safe to run twice, late, or beside another: the stored epoch
 * never goes down, whoever stalls in between.
 */
import type { Database } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { pointerDocument } from "../../releases/release-document.ts";
import { findLive } from "../../releases/release-store.ts";
import type { Stores } from "../../storage/object-store.ts";

export interface Projection {
  project_id: string;
  /** Slug. */
  project: string;
  environment: string;
  epoch: number;
}

/** Answers `done` when the pointer has this epoch or a higher one. Store errors are thrown, and retried by the caller. */
export async function projectPointer(deps: { database: Database; stores: Stores }, to: Projection): Promise<void> {
  const live = await findLive(deps.database.em.fork(), to);
  if (!live)
    throw new AppError("internal", {
      reason: `epoch ${to.epoch} of ${to.project} in ${to.environment} is not in the records`,
    });
  for (;;) {
    const stored = await deps.stores.public.readPointer(to.environment, to.project);
    if (stored && stored.epoch >= to.epoch) return;
    const body = await pointerDocument(deps.stores, live);
    const outcome = await deps.stores.public.putPointer({ ...to, body, expected: stored });
    if (outcome === "written") return;
  }
}
