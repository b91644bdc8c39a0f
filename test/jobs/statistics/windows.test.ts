/** What is read back of a window, against the endings themselves. test/gateway/job-stats.test.ts asks over HTTP. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { query } from "../../../src/db.ts";
import { ERROR_BOUND, sumOf } from "../../../src/jobs/statistics/histogram.ts";
import { jobStats } from "../../../src/jobs/statistics/job-stats.ts";
import { readTimes } from "../../../src/jobs/statistics/stats-store.ts";
import { rollUpOnce } from "../../../src/jobs/statistics/roll-up.ts";
import { WINDOW_NAMES, windowAt } from "../../../src/jobs/statistics/windows.ts";
import { createProtocolRoom, type ProtocolRoom } from "../../support/protocol-room.ts";

interface Ending {
  ended: number;
  wait: number;
  run: number;
}

/** On a Thursday: long windows have a fine part and a coarse one. Short ones have, if a midnight is in them. */
const MOMENTS = { "past noon": Date.UTC(2026, 10, 26, 13, 37), "past midnight": Date.UTC(2026, 10, 26, 0, 37) };
const NOW = MOMENTS["past noon"];
const COUNT = 1_500;

describe("statistics of a window", () => {
  let protocol: ProtocolRoom;
  let endings: Ending[];

  beforeAll(async () => {
    protocol = await createProtocolRoom();
    const { job } = await protocol.renew();
    // More of late than long ago.
    endings = Array.from({ length: COUNT }, (_, at) => ({
      ended: NOW - Math.round(Math.exp((at / COUNT) * Math.log(95 * 86_400_000))),
      // The longer ago, the longer: what is read too much shows in the percentiles as well.
      wait: 5 + at * 27,
      run: 20 + at * 200,
    }));
    const db = protocol.room.database.em.fork();
    await query(
      db,
      `
      insert into job_endings (job_id, generation, tenant_id, job_type, status, queued_at, started_at, ended_at, steps)
      select gen_random_uuid(), 1, j.tenant_id, (array['publish', 'svg_import'])[1 + n % 2], (array['completed', 'failed'])[1 + n % 3 / 2],
        e.ended - (ran + waited) * interval '1 ms', e.ended - ran * interval '1 ms', e.ended, '[]'
      from jobs j, (
        select n, to_timestamp(ended / 1000.0) as ended, waited, ran
        from unnest($2::float8[], $3::int[], $4::int[]) with ordinality as _ (ended, waited, ran, n)
      ) e where j.id = $1
      `,
      [job, endings.map((each) => each.ended), endings.map((each) => each.wait), endings.map((each) => each.run)],
    );
    while ((await rollUpOnce(db, 170)) > 0);
  });
  afterAll(() => protocol?.room.close());

  const asked = Object.entries(MOMENTS).flatMap(([when, now]) => WINDOW_NAMES.map((window) => ({ when, now, window })));
  it.each(asked)(
    "$window $when: are of what has ended since it begins, and of nothing else",
    async ({ now, window }) => {
      const { tenant_id } = protocol.room;
      const db = protocol.room.database.em.fork();
      const within = endings.filter(({ ended }) => ended >= windowAt(window, now).from.getTime());
      expect(within.length).toBeGreaterThan(20);
      const stats = await jobStats(db, { tenant_id, window, now });
      expect(stats.all.ended).toBe(within.length);
      expect(stats.series.reduce((sum, { ended }) => sum + ended, 0)).toBe(within.length);

      const times = await readTimes(db, { tenant_id, ...windowAt(window, now) });
      for (const measure of ["wait", "run"] as const) {
        const counts = sumOf(times.filter((row) => row.measure === measure).map(({ histogram }) => histogram));
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(within.length);
        const sorted = within.map((each) => each[measure]).toSorted((one, other) => one - other);
        for (const [percentile, share] of [
          ["p50_ms", 0.5],
          ["p95_ms", 0.95],
          ["p99_ms", 0.99],
        ] as const) {
          const exact = sorted[Math.ceil(share * sorted.length) - 1]!;
          expect(Math.abs(stats.all[measure]![percentile] - exact) / exact).toBeLessThanOrEqual(ERROR_BOUND + 0.005);
        }
      }
    },
  );

  it("are the same after the migration that folds them is undone and done again", async () => {
    const { database } = protocol.room;
    const rows = () => query(database.em.fork(), `select to_jsonb(t) as row from job_times t order by 1`);
    const before = await rows();
    const fold = { migrations: ["0015_fold_job_times"] };
    await database.migrator.down(fold);
    expect((await rows()).length).toBeGreaterThan(before.length);
    await database.migrator.up(fold);
    expect(await rows()).toEqual(before);
  });
});
