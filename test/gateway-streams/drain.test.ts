/** A gateway that is asked to end, as at every deploy: its watchers go on at another, and notice nothing. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { createBalancer, type Balancer } from "../support/balancer.ts";
import { startGatewayProcess, type GatewayProcess } from "../support/gateway-process.ts";
import { until } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";
import { startGatewayRoom, type GatewayRoom } from "../gateway/gateway-room.ts";
import { endJob, range, runningJob, writeLogs } from "./stream-room.ts";
import { createWatcher, type Watcher } from "./watcher.ts";

const JOBS = 5;
const WATCHERS = 50;
/** Nothing but the tests changes their jobs. */
const SETTINGS = { PLATEN_RECONCILE_MS: "0" };

/** Another gateway, for the keys. It serves none of the watchers. */
let room: GatewayRoom;
let old: GatewayProcess;
let balancer: Balancer;
beforeAll(async () => {
  room = await startGatewayRoom({ executions: scriptedExecutions() });
  old = await startGatewayProcess(room, { settings: SETTINGS });
  balancer = await createBalancer([old.port]);
});
afterAll(async () => {
  await old?.end("SIGKILL");
  await balancer?.close();
  await room?.close();
});

it("after SIGTERM all watchers go on at another gateway; none sees an error, an event twice, or one less", async () => {
  const jobs = await Promise.all(range(1, JOBS).map(async () => (await runningJob(room)).id));
  const watchers = range(0, WATCHERS - 1).map((n) =>
    createWatcher(`${balancer.url}/jobs/${jobs[n % JOBS]}/${n % 2 ? "events" : "stream"}`, room.keys.viewer),
  );
  const all = (what: string, look: (watcher: Watcher) => boolean): Promise<true> =>
    until(what, async () => watchers.every(look) as true, 20_000);
  let last = 3;
  const writeRound = async (): Promise<void> => {
    last += 2;
    for (const id of jobs) await writeLogs(room, id, [`Entry ${last - 1}`, `Entry ${last}`]);
  };
  try {
    await all("watchers to be greeted", (watcher) => watcher.frames() > 0);
    await writeRound();
    await all("an event each", ({ seen }) => seen.length > 0);

    const fresh = await startGatewayProcess(room, { settings: SETTINGS });
    balancer.add(fresh.port);
    const ended = old.end("SIGTERM");
    // Events of before, while and after.
    let over = false;
    void ended.then(() => (over = true));
    while (!over) await writeRound();
    expect(await ended).toBe(0);
    await all("watchers to be there", ({ statuses }) => statuses.length === 2);
    await writeRound();
    await all("all events", ({ seen }) => seen.at(-1) === last);
    for (const id of jobs) await endJob(room, id);
    await Promise.all(watchers.map(({ completed }) => completed));

    for (const { seen } of watchers) expect(seen).toEqual(range(4, last + 2));
    expect(watchers.filter((watcher) => watcher.statuses.some((status) => status !== 200))).toEqual([]);
    expect(watchers.filter((watcher) => watcher.closed())).toEqual([]);
    expect(balancer.taken.get(fresh.port)).toBeGreaterThanOrEqual(WATCHERS);
    await fresh.end("SIGKILL");
  } finally {
    for (const watcher of watchers) watcher.close();
  }
}, 60_000);
