/** Writers write, the gateway tells, watchers note: one run, with everything that is to be said of it. */
import type { BenchRoom } from "../support/bench.ts";
import { cpuSeconds } from "../support/cpu.ts";
import { round, timed } from "../support/turns.ts";
import { joinDeliveries, percentiles, type Deliveries } from "./deliveries.ts";
import { startGateway } from "./gateway.ts";
import { makeRunningJobs, streamOf } from "./running-jobs.ts";
import { startWatchers } from "./watchers.ts";
import { startWriters } from "./writers.ts";

export interface ManyStreams {
  jobs: number;
  watchers_per_job: number;
  writers: number;
  seconds: number;
  /** Log entries per job and second, each a ledger event. */
  logs: number;
  /** Progress reports per job and second. */
  reports: number;
}

/** Seconds of the same work before it counts. */
const WARM_UP = 3;
/** Of silence, after which what has not come is lost. A stream sweeps every 2 s. */
const PATIENCE_MS = 8_000;

export async function measureManyStreams(
  room: BenchRoom,
  setting: ManyStreams,
): Promise<{ deliveries: Deliveries; details: Record<string, unknown> }> {
  const { jobs, watchers_per_job, seconds, logs, reports } = setting;
  const watchers = jobs * watchers_per_job;
  const gateway = await startGateway(room);
  const grips = await makeRunningJobs(gateway.database, jobs);
  const writers = startWriters(room, setting.writers, gateway.url);
  const client = startWatchers(room, "the jobs", watchers);
  const each = (WARM_UP + seconds) * logs;
  room.tell(`${watchers} watchers come`);
  const paths = Array.from({ length: watchers_per_job }, () => grips.map(streamOf)).flat();
  await client.follow({ port: gateway.port, headers: gateway.headers, paths }, watchers * each * 2);
  const pids = { gateway: gateway.pid, postgres: gateway.servers.postgres, watchers: client.pid, ...writers.pids };
  room.tell(`${setting.writers} writers write for ${WARM_UP} + ${seconds} s`);
  const before = await cpuSeconds(pids);
  const { seconds: took, result: written } = await timed(() =>
    writers.write(grips, { seconds: WARM_UP + seconds, logs, reports }),
  );
  const arrivals = await client.arrivals(watchers * each, PATIENCE_MS);
  const after = await cpuSeconds(pids);
  const deliveries = joinDeliveries(written, arrivals, { jobs, watchers, each, skip: WARM_UP * logs });
  const { expected, lost, out_of_order, from_commit, from_asking } = deliveries;
  const frames = arrivals.seq.length + arrivals.others;
  room.tell(
    `${expected} events, ${lost} lost, ${out_of_order} out of order; ${JSON.stringify(percentiles(from_commit))} ms; ` +
      `${Math.round(frames / took)} frames/s`,
  );
  return {
    deliveries,
    details: {
      ...setting,
      writers_took_seconds: round(took),
      most_writes_under_way: Math.max(...written.map((part) => part.most_under_way)),
      events: { expected, lost, out_of_order },
      ms_from_commit_to_frame: percentiles(from_commit),
      ms_from_asking_to_frame: percentiles(from_asking),
      frames: { ledger: arrivals.seq.length, others: arrivals.others, per_second: Math.round(frames / took) },
      megabytes: round(arrivals.bytes / 1e6),
      cpu_seconds: Object.fromEntries(
        Object.entries(after).map(([name, until]) => [name, round(until - (before[name] ?? 0))]),
      ),
    },
  };
}
