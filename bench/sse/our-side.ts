/** Ours: the gateway's process, one job, and changes written and notified by the product's own statements. */
import { JOBS_CHANNEL } from "../../contract/messages.ts";
import { notifyJobs } from "../../src/jobs/ledger-store.ts";
import { writeJob } from "../../src/jobs/job-writes-store.ts";
import { mine } from "../../src/jobs/protocol/attempt.ts";
import type { BenchRoom } from "../support/bench.ts";
import { writeThenWake, WATCHERS, type FanOutSide } from "./fan-out.ts";
import { startGateway, type BenchGateway } from "./gateway.ts";
import { makeRunningJobs, STEP, streamOf } from "./running-jobs.ts";
import { startWatchers } from "./watchers.ts";

/** What a change says, on every side. */
export const messageOf = (number: number): string =>
  `Uploaded ${number} of 5,469 tiles, 128 of them were there already`;

/** No pings and no end within the bench: frames are counted, whatever they say. */
const UNDISTURBED = { PLATEN_PING_SECONDS: "3600", PLATEN_STREAM_MAX_SECONDS: "86400" };

export interface OurSide {
  gateway: BenchGateway;
  ours: FanOutSide;
}

export async function startOurSide(room: BenchRoom): Promise<OurSide> {
  const gateway = await startGateway(room, UNDISTURBED);
  const { database, pid, port, headers } = gateway;
  const [grip] = await makeRunningJobs(database, 1);
  if (!grip) throw new Error("no job was made");
  const { job_id } = grip;
  let number = 0;
  const write = async (): Promise<void> => {
    number += 1;
    const data = { level: "info", message: messageOf(number), step: STEP };
    await writeJob(database.em.fork(), job_id, {}, [{ kind: "log", data }], { fence: mine(grip) });
  };
  const wake = (): Promise<void> => notifyJobs(database.em.fork(), JOBS_CHANNEL, [job_id]);
  const ours: FanOutSide = {
    ...{ name: "ours", pid, greeting: 1, watchers: startWatchers(room, "ours", WATCHERS) },
    target: { port, headers, path: streamOf(grip) },
    change: (count) => writeThenWake(count, { write, wake }),
  };
  return { gateway, ours };
}
