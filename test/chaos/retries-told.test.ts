/** What a job tells of its retries is what Temporal does; and what cannot succeed is not tried twice. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { workflowId } from "../../contract/workflow-id.ts";
import { query, queryOne } from "../../src/db.ts";
import { breakPointer } from "../support/broken-pointer.ts";
import { createChaosRoom, type ChaosRoom } from "../support/chaos-room.ts";
import { SMALL, until } from "../support/publishing.ts";

let room: ChaosRoom;

beforeAll(async () => {
  room = await createChaosRoom();
  await room.worker();
});
afterAll(() => room?.close());

const handleOf = (job: string) => room.temporal.client.workflow.getHandle(workflowId("publish", job));

/** Of the job, and of the activity that waits to be tried again as the server has it. */
async function attemptsOf(job: string) {
  const sql = `select attempt, next_attempt_at from jobs where id = $1`;
  const row = await queryOne<{ attempt: number; next_attempt_at: string | null }>(room.database.em.fork(), sql, [job]);
  const { raw } = await handleOf(job).describe();
  const { attempt, scheduledTime } = raw.pendingActivities?.at(0) ?? {};
  const at = Number(scheduledTime?.seconds ?? 0) * 1_000 + (scheduledTime?.nanos ?? 0) / 1_000_000;
  return { told: row!, next: { attempt: attempt ?? 0, at } };
}

/** How often each activity of the run was tried, by name, those that ended. */
async function triedOf(job: string): Promise<Record<string, number>> {
  const { events } = await handleOf(job).fetchHistory();
  const names = new Map(
    events?.flatMap(({ eventId, activityTaskScheduledEventAttributes: it }) =>
      it ? [[String(eventId), it.activityType?.name ?? ""] as const] : [],
    ),
  );
  return Object.fromEntries(
    (events ?? []).flatMap(({ activityTaskStartedEventAttributes: it }) =>
      it ? [[names.get(String(it.scheduledEventId)), it.attempt ?? 0]] : [],
    ),
  );
}

describe("a job that waits to be tried again", { timeout: 60_000 }, () => {
  it("says the attempt and the time of the next one as the server has them, and neither once it has ended", async () => {
    const draft = await room.draft({ descriptor: SMALL });
    const pointer = await breakPointer(room.storeFolder, "dev", draft.project);
    const job = await room.publish(draft);
    const seen = new Set<number>();
    await until("three failed attempts to be told", async () => {
      const { told, next } = await attemptsOf(job);
      // In between, the server and the row are not at the same attempt.
      if (told.next_attempt_at === null || next.attempt !== told.attempt + 1) return false;
      expect(Math.abs(new Date(told.next_attempt_at).getTime() - next.at)).toBeLessThan(500);
      seen.add(told.attempt);
      return seen.size === 3;
    });
    await pointer.mend();
    expect(await room.ended(job)).toMatchObject({ status: "completed" });
    expect((await attemptsOf(job)).told.next_attempt_at).toBeNull();
  });
});

describe("a failure that no retry mends", { timeout: 60_000 }, () => {
  it("is tried once, wherever it comes", async () => {
    const invalid = await room.publish(await room.draft({ descriptor: SMALL, config: null }));
    const draft = await room.draft({ descriptor: SMALL });
    const { job: changed, gate } = await room.publishUpTo(draft, "verify_tiles");
    const sql = `update versions set revision = revision + 1 where id = $1`;
    await query(room.database.em.fork(), sql, [draft.version_id]);
    await gate.open();
    expect(await room.ended(invalid)).toMatchObject({ status: "failed", error_code: "version_invalid" });
    expect(await room.ended(changed)).toMatchObject({ status: "failed", error_code: "version_changed" });
    expect(await triedOf(invalid)).toEqual({ validate: 1, settle: 1 });
    expect(await triedOf(changed)).toMatchObject({ validate: 1, markPublished: 1, settle: 1 });
  });
});
