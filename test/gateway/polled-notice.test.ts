/** Whoever polls is told that less is known than usual, as whoever watches is; Temporal is real, and is stopped. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import type { Executions } from "../../src/temporal.ts";
import { startOwnTemporal } from "../support/own-servers.ts";
import { startStreamProxy } from "../support/stream-proxy.ts";
import { runPlaten } from "../cli/run-platen.ts";
import { createDraft, createPublishing, queueJob, until, type Publishing } from "../support/publishing.ts";
import { firstAttempt, startGatewayRoom, type GatewayRoom } from "./gateway-room.ts";

let temporal: Awaited<ReturnType<typeof startOwnTemporal>>;
let room: Publishing;
let gateway: GatewayRoom;
/** Whether it is there; what Temporal has not answered yet. */
const pings = new Set<Promise<unknown>>();
/** Questions about single jobs. */
let questions = 0;

beforeAll(async () => {
  temporal = await startOwnTemporal();
  room = await createPublishing({ temporal });
  const deps = { ...room.deps, executions: counted(room.executions) };
  gateway = await startGatewayRoom({ room: { ...room, deps }, executions: "real" });
});
afterAll(async () => {
  await gateway?.close();
  // Temporal's client tries again what fails by the end of its connection, and throws where nobody can catch.
  while (pings.size > 0) await Promise.allSettled(pings);
  await room?.close();
});

function counted(executions: Executions): Executions {
  return {
    ...executions,
    async ping() {
      const ping = executions.ping();
      pings.add(ping);
      await ping.finally(() => pings.delete(ping));
    },
    queryProgress(id) {
      questions += 1;
      return executions.queryProgress(id);
    },
    describe(id) {
      questions += 1;
      return executions.describe(id);
    },
  };
}

/** Of both answers, which must be the same. */
async function noticeOf(job: string) {
  const [whole, small] = await Promise.all(
    ["", "/status"].map(async (path) => (await gateway.call("GET", `/jobs/${job}${path}`)).body),
  );
  return whole.notice?.code === small.notice?.code && whole;
}

async function running(): Promise<string> {
  const job = await queueJob(room, await createDraft(room));
  const entered = await enterStep(room.deps, firstAttempt(job), { step: "validate", message: "Validating" });
  expect(entered.kind).toBe("entered");
  return job;
}

it("says null, then since when Temporal is away, then null again; a job that has ended has nothing to be told", async () => {
  const [job, queued] = [await running(), await queueJob(room, await createDraft(room))];
  expect(await noticeOf(job)).toMatchObject({ status: "running", notice: null });

  const before = new Date().toISOString();
  await temporal.crash();
  const told = await until("the notice", async () => {
    const body = await noticeOf(job);
    return body.notice && body;
  });
  expect(told).toMatchObject({
    status: "running",
    notice: { code: "temporal_away", message: expect.stringContaining("cannot be reached"), since: expect.any(String) },
  });
  expect(told.notice.since >= before).toBe(true);
  expect(await noticeOf(queued)).toMatchObject({ status: "queued", notice: { code: "temporal_away" } });

  // The command line polls where no stream gets through.
  const proxy = await startStreamProxy(() => gateway.url);
  proxy.treat({ status: 502 });
  const line = Promise.withResolvers<void>();
  const watching = runPlaten(["watch", queued], {
    env: { PLATEN_SERVER: proxy.url, PLATEN_API_KEY: gateway.keys.viewer },
    onLine: (text) => text === told.notice.message && line.resolve(),
  });
  await Promise.race([line.promise, watching]);
  await cancelJob(room.deps, { job_id: queued, by: room.principal });
  expect(await noticeOf(queued)).toMatchObject({ status: "cancelled", notice: null });
  const lines = (await watching).stdout.split("\n");
  expect(lines.filter((text) => text === told.notice.message)).toHaveLength(1);
  expect(lines).toContainEqual(expect.stringContaining("■ cancelled"));
  proxy.close();

  await temporal.restart();
  await until("it to be over", async () => (await noticeOf(job)).notice === null);
  // Nothing was asked for a poll: one question about the server serves all.
  expect(questions).toBe(0);
}, 90_000);
