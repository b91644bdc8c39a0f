/**
 * project(e): brings the pointer in the store up to epoch `e`. Safe to run twice, late, or beside another: the stored epoch
 * never goes down, whoever stalls in between.
 */
import type { Database } from "../../db.ts";
import { AppError } from "../../errors.ts";
import type { PublishResult } from "../../../contract/publish.ts";
import { pointerDocument, publishResult } from "../../releases/release-document.ts";
import { findLive, findRelease } from "../../releases/release-store.ts";
import type { Done } from "./finish.ts";
import type { Stores } from "../../storage/object-store.ts";

export interface Projection {
  project_id: string;
  /** Slug. */
  project: string;
  environment: string;
  epoch: number;
}

type Live = NonNullable<Awaited<ReturnType<typeof findLive>>>;

/** Answers when the pointer has this epoch or a higher one. Store errors are thrown, and retried by the caller. */
export async function projectPointer(deps: { database: Database; stores: Stores }, to: Projection): Promise<void> {
  const live = await findLive(deps.database.em.fork(), to);
  if (!live) throw notInRecords(to);
  await bringUp(deps.stores, live);
}

async function bringUp(stores: Stores, live: Live): Promise<void> {
  const { environment, project, epoch } = live;
  for (;;) {
    const stored = await stores.public.readPointer(environment, project);
    if (stored && stored.epoch >= epoch) return;
    const body = await pointerDocument(stores, live);
    const outcome = await stores.public.putPointer({ environment, project, epoch, body, expected: stored });
    if (outcome === "written") return;
  }
}

/** How a publish ends that has come about. */
export const published = (result: PublishResult, environment: string): Done & { result: PublishResult } => ({
  message: `Published ${result.release_id} to ${environment}`,
  result,
});

/** Brings the pointer up to what a job has switched to, and answers how the job ends. */
export async function projectSwitched(
  deps: { database: Database; stores: Stores },
  to: { project_id: string; environment: string; epoch: number },
): Promise<Done & { result: PublishResult }> {
  const db = deps.database.em.fork();
  const live = await findLive(db, to);
  const release = live && (await findRelease(db, live.release_id));
  if (!live || !release) throw notInRecords(to);
  await bringUp(deps.stores, live);
  return published(publishResult(live, release), live.environment);
}

function notInRecords(to: { project_id: string; environment: string; epoch: number }): AppError {
  const reason = `epoch ${to.epoch} of project ${to.project_id} in ${to.environment} is not in the records`;
  return new AppError("internal", { reason, request_id: to.project_id });
}
