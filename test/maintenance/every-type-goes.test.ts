/** A job of any type that has outlived its time goes with all that is its own: nothing that another one added keeps it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { query } from "../../src/db.ts";
import { createChaosRoom, type ChaosRoom } from "../support/chaos-room.ts";
import { SAMPLES } from "../support/job-samples/index.ts";
import { play, WORKER } from "../support/job-samples/play.ts";
import { sweepOnce } from "./sweep-once.ts";

let room: ChaosRoom;
beforeAll(async () => {
  room = await createChaosRoom();
  await room.worker(WORKER);
}, 60_000);
afterAll(() => room?.close());

const rows = <Row>(sql: string, params: unknown[] = []): Promise<Row[]> =>
  query<Row>(room.database.em.fork(), sql, params);

/** What has happened, for the statistics, the audit trail and a schedule's list: it outlives the job. */
const OUTLIVE = ["job_endings", "job_samples", "audit_events", "audit_outcomes", "schedule_runs"];

/** Tables that name one of the jobs. */
async function naming(ids: string[]): Promise<string[]> {
  const columns = await rows<{ table_name: string; column_name: string }>(`
    select table_name, column_name from information_schema.columns
    where table_schema = 'public' and column_name in ('job_id', 'group_id', 'parent_id')`);
  const found: string[] = [];
  for (const { table_name, column_name } of columns) {
    const named = await rows(`select 1 from ${table_name} where ${column_name} = any ($1) limit 1`, [ids]);
    if (named.length > 0 && !OUTLIVE.includes(table_name)) found.push(`${table_name}.${column_name}`);
  }
  return found;
}

describe.each(Object.values(SAMPLES))("a job of type $type", { timeout: 120_000 }, (sample) => {
  it("goes with all that is its own", async () => {
    const { job } = await play(room, sample);
    await room.ended(job, 60_000);
    const family = (await rows<{ id: string }>(`select id from jobs where $1 in (id, parent_id)`, [job])).map(
      ({ id }) => id,
    );
    expect(await naming(family)).not.toEqual([]);
    await rows(`update jobs set completed_at = now() - interval '40 days', expires_at = null where id = any ($1)`, [
      family,
    ]);
    await sweepOnce(room, { keepJobsDays: 30 });
    expect(await rows(`select id from jobs where id = any ($1)`, [family])).toEqual([]);
    expect(await naming(family)).toEqual([]);
  });
});
