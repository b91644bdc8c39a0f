/** What is read back of a window, against the endings themselves. test/gateway/job-stats.test.ts asks over HTTP. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { query } from "../../../src/db.ts";
import { ERROR_BOUND } from "../../../src/jobs/statistics/histogram.ts";
import { jobStats } from "../../../src/jobs/statistics/job-stats.ts";
import { rollUpOnce } from "../../../src/jobs/statistics/roll-up.ts";
import { WINDOW_NAMES, windowAt } from "../../../src/jobs/statistics/windows.ts";
import { createProtocolRoom, type ProtocolRoom } from "../../support/protocol-room.ts";

interface Ending {
  ended: number;
  waited: number;
  ran: number;
}

/** Middle of a week, so that every window has a fine part and a coarse one. */
const NOW = Date.UTC(2026, 10, 26, 13, 37);
const COUNT = 1_500;

describe("statistics of a window", () => {
  let protocol: ProtocolRoom;
  let endings: Ending[];

  beforeAll(async () => {
    protocol = await createProtocolRoom();
    const { job } = await protocol.renew();
    // More of late than long ago; of no order.
    endings = Array.from({ length: COUNT }, (_, at) => ({
      ended: NOW - Math.round(Math.exp(((at * 7_919) % COUNT) / (COUNT / 23)) % (95 * 86_400_000)),
      waited: 5 + ((at * 331) % 40_000),
      ran: 20 + ((at * 1_543) % 300_000),
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
      [job, endings.map((each) => each.ended), endings.map((each) => each.waited), endings.map((each) => each.ran)],
    );
    while ((await rollUpOnce(db, 170)) > 0);
  });
  afterAll(() => protocol?.room.close());

  it.each(WINDOW_NAMES)("of %s are of what ended in it, and of nothing else", async (window) => {
    const { tenant_id } = protocol.room;
    const stats = await jobStats(protocol.room.database.em.fork(), { tenant_id, window, now: NOW });
    const within = endings.filter(({ ended }) => ended >= windowAt(window, NOW).from.getTime());
    expect(within.length).toBeGreaterThan(20);
    expect(stats.all.ended).toBe(within.length);
    expect(stats.series.reduce((sum, { ended }) => sum + ended, 0)).toBe(within.length);
    for (const [told, values] of [
      [stats.all.wait, within.map(({ waited }) => waited)],
      [stats.all.run, within.map(({ ran }) => ran)],
    ] as const) {
      const sorted = values.toSorted((one, other) => one - other);
      for (const [percentile, share] of [
        ["p50_ms", 0.5],
        ["p95_ms", 0.95],
        ["p99_ms", 0.99],
      ] as const) {
        const exact = sorted[Math.ceil(share * sorted.length) - 1]!;
        expect(Math.abs(told![percentile] - exact) / exact).toBeLessThanOrEqual(ERROR_BOUND + 0.005);
      }
    }
  });
});
