import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { v7 as uuidv7 } from "uuid";
import { workflowId } from "../../contract/workflow-id.ts";
import type { RouteRequest } from "../../src/gateway/route.ts";
import { jobHistoryRoutes } from "../../src/gateway/routes/job-history.ts";
import { readHistoryText } from "../../src/replay/history-file.ts";
import { createHistories, type Histories } from "../../src/replay/read-history.ts";
import { createDraft, queueJob } from "../support/publishing.ts";
import { startGatewayRoom, type GatewayRoom } from "./gateway-room.ts";

let room: GatewayRoom;
let job: string;
/** Of made-up secrets: nothing of ours would put them there. */
const SECRET = "hunter2-and-more";
beforeAll(async () => {
  room = await startGatewayRoom({ executions: "real" });
  job = await queueJob(room, await createDraft(room));
  const { client, taskQueuePrefix } = room.temporal;
  const handle = await client.workflow.start("publish", {
    workflowId: workflowId("publish", job),
    taskQueue: `${taskQueuePrefix}nobody`,
    args: [{ job_id: job, password: SECRET }],
    memo: { note: `mail ada@example.org about ${SECRET}`, api_key: SECRET },
  });
  await handle.signal("told", `https://b.test/t.png?X-Amz-Signature=${SECRET}`);
  await handle.terminate(`Authorization: Bearer ${SECRET}`);
});
afterAll(() => room?.close());

const history = (id = job, key?: string) => room.call("GET", `/jobs/${id}/history`, key === undefined ? {} : { key });

describe("GET /jobs/{id}/history", () => {
  it("is a bundle of the job's run, without its secrets, for operators of the tenant", async () => {
    for (const key of [room.keys.operator, room.keys.admin]) {
      const { status, headers, body } = await history(job, key);
      expect(status).toBe(200);
      expect(headers.get("Content-Disposition")).toBe(`attachment; filename="publish-${job}.platen-replay.json"`);
      const { bundle, history: found } = readHistoryText(JSON.stringify(body));
      expect(bundle).toMatchObject({ workflow_id: workflowId("publish", job), job: { id: job, status: "queued" } });
      expect(bundle?.runs).toMatchObject([{ run_id: bundle?.run_id, status: "TERMINATED" }]);
      expect(found.events.map(({ eventType }) => eventType)).toContain("EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED");
      const opened = JSON.stringify(body).replaceAll(
        /[A-Za-z0-9+/]{8,}={0,2}/g,
        (run) => run + Buffer.from(run, "base64").toString(),
      );
      for (const secret of [`"${SECRET}`, `=${SECRET}`, `Bearer ${SECRET}`, "ada@example.org"])
        expect(opened).not.toContain(secret);
      expect(bundle?.redactions.replaced).toMatchObject({ secret: 2, signature: 1, header: 1, email: 1 });
    }
  });

  it("is not for viewers, nor for another tenant, and not for a job that is not there", async () => {
    expect((await history(job, room.keys.viewer)).body).toMatchObject({ code: "forbidden", status: 403 });
    expect((await history(job, room.keys.foreign)).body).toMatchObject({ code: "job_not_found" });
    expect((await history(uuidv7())).body).toMatchObject({ code: "job_not_found" });
  });

  it("of a job that has not started, or of a run that it never had, is not found, and the answer says why", async () => {
    const waiting = await queueJob(room, await createDraft(room));
    expect((await history(waiting)).body).toMatchObject({
      code: "history_not_found",
      status: 404,
      detail: expect.stringContaining("it has not started yet"),
    });
    const { status, body } = await room.call("GET", `/jobs/${job}/history?run_id=${uuidv7()}`);
    expect([status, body.code]).toEqual([404, "history_not_found"]);
    expect((await room.call("GET", `/jobs/${job}/history?run_id=last`)).status).toBe(400);
  });

  it("is told without the list of runs while Temporal's visibility does not answer", async () => {
    const { address, namespace } = room.temporal;
    const real = createHistories({ address, namespace });
    const answer = async (histories: Histories) => {
      const { body } = (await jobHistoryRoutes[0]!.handle({
        ...{ deps: { ...room.deps, config: room.config, histories }, db: room.database.em.fork() },
        ...{ principal: { ...room.principal, role: "operator" }, ctx: { method: "GET" } },
        ...{ params: { id: job }, query: {} },
      } as unknown as RouteRequest)) as { body: Readable };
      return readHistoryText(await text(body)).bundle;
    };
    try {
      const whole = await answer(real);
      const silent = await answer({ ...real, runs: () => Promise.reject(new Error("visibility is away")) });
      expect(silent?.runs).toEqual(whole?.runs);
      expect(silent?.runs).toHaveLength(1);
    } finally {
      await real.close();
    }
  });

  it("is 503 while Temporal is away", async () => {
    const away = await startGatewayRoom({ room, settings: { PLATEN_TEMPORAL_ADDRESS: "127.0.0.1:9" } });
    try {
      const { status, body } = await away.call("GET", `/jobs/${job}/history`);
      expect([status, body.code, body.facts.service]).toEqual([503, "unavailable", "Temporal"]);
    } finally {
      await away.close();
    }
  });
});
