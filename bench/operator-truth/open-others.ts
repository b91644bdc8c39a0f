/** Publishes that stand in their upload, heartbeat and all, while something else is measured. */
import { setTimeout as delay } from "node:timers/promises";
import { query } from "../../src/db.ts";
import { createDraft, queueJob } from "../../test/support/publishing.ts";
import type { TruthRoom } from "../../test/support/truth/truth-room.ts";

const LOOK_MS = 200;
const LATE_MS = 180_000;

/** Resolves when all of them are in their upload, in the hands of the room's own worker. */
export async function openOthers(room: TruthRoom, count: number): Promise<void> {
  const jobs: string[] = [];
  for (let at = 0; at < count; at += 1) {
    const draft = await createDraft(room);
    await room.rigs.hold(draft.project, "upload");
    const job = await queueJob(room, draft);
    await room.start(job);
    jobs.push(job);
  }
  const late = Date.now() + LATE_MS;
  for (;;) {
    const sql = `select count(*)::int as n from jobs where id = any($1::uuid[]) and status = 'running' and step = 'upload'`;
    const [found] = await query<{ n: number }>(room.database.em.fork(), sql, [jobs]);
    if (found?.n === count) return;
    if (Date.now() > late) throw new Error(`only ${found?.n} of ${count} publishes are in their upload`);
    await delay(LOOK_MS);
  }
}
