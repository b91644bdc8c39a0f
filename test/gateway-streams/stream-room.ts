/** What tests of streams do to jobs, as a worker would, and how they watch them. */
import { transaction } from "../../src/db.ts";
import { lockJob } from "../../src/jobs/job-store.ts";
import { writeJob } from "../../src/jobs/job-writes-store.ts";
import { writeProgress } from "../../src/jobs/progress-store.ts";
import { writeEnding, type Grip } from "../../src/jobs/protocol/attempt.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import type { SeenFrame } from "../support/frames.ts";
import { createDraft, queueJob, type Publishing } from "../support/publishing.ts";
import { firstAttempt, sendRaw, type GatewayRoom, type RawAnswer } from "../gateway/gateway-room.ts";

type Watched = Pick<GatewayRoom, "keys" | "url">;

/** Opens a stream, byte for byte. */
export function watch({ url, keys }: Watched, path: string, headers: string[] = []): RawAnswer {
  return sendRaw(url, [`GET ${path} HTTP/1.1`, `Authorization: Bearer ${keys.viewer}`, ...headers]);
}

/** A job that a worker has begun to work on: events 1 to 3 of its ledger. */
export async function runningJob(room: Publishing): Promise<{ id: string; grip: Grip }> {
  const id = await queueJob(room, await createDraft(room));
  const outcome = await enterStep(room.deps, firstAttempt(id), { step: "upload", message: "Begins upload" });
  if (outcome.kind !== "entered") throw new Error(`not entered: ${outcome.kind}`);
  return { id, grip: outcome.grip };
}

/** Log entries in one statement, which is one change: the next events of the job's ledger. */
export async function writeLogs(room: Publishing, id: string, messages: string[]): Promise<void> {
  const events = messages.map((message) => ({ kind: "log" as const, data: { level: "info", message } }));
  await writeJob(room.database.em.fork(), id, {}, events);
  room.deps.notifier.touch(id);
}

/** As a worker's mirror writes it, which tells of it by itself. `report`: counts up from 1 within the attempt. */
export async function writePercent(room: Publishing, grip: Grip, report: number, message: string): Promise<void> {
  const { job_id, attempt_at } = grip;
  const news = { job_id, attempt_at, report, message, generation: 1, progress: 30 + (report % 60) };
  await writeProgress(room.database.em.fork(), [news]);
}

export async function endJob(room: Publishing, id: string): Promise<void> {
  await transaction(room.database, async (tx) => {
    await writeEnding(tx, (await lockJob(tx, id))!, { status: "completed", message: "It is completed" });
  });
  room.deps.notifier.touch(id);
}

/** Ids of the frames that carry one. */
export function idsOf(frames: SeenFrame[]): number[] {
  return frames.flatMap(({ id }) => (id === undefined ? [] : [Number(id)]));
}

/** `first`, `first + 1` … `last`. */
export function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
