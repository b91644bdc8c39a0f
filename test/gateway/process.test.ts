import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApiKey } from "../../src/tenants/tenant-store.ts";
import { startGatewayProcess, type GatewayProcess } from "../support/gateway-process.ts";
import { createDraft, createPublishing, queueJob, type Publishing } from "../support/publishing.ts";
import { sendRaw } from "./gateway-room.ts";

let room: Publishing;
beforeAll(async () => {
  room = await createPublishing();
});
afterAll(() => room?.close());

const startProcess = (settings: Record<string, string> = {}): Promise<GatewayProcess> =>
  startGatewayProcess(room, { settings });

describe("the gateway's process", () => {
  it("ends within three seconds of SIGTERM, after it has ended its streams", async () => {
    const { url, end } = await startProcess();
    // It stays queued: no worker is there.
    const id = await queueJob(room, await createDraft(room));
    const { tenant_id, id: principal_id } = room.principal;
    const { key } = await createApiKey(room.database.em.fork(), { tenant_id, principal_id, role: "admin" });
    const ready = await (await fetch(`${url}/readyz`)).json();
    expect(ready).toMatchObject({ status: "ready", missing: [] });
    const stream = sendRaw(url, [`GET /jobs/${id}/stream HTTP/1.1`, `Authorization: Bearer ${key}`]);
    await stream.holds('"snapshot":true');
    const asked = Date.now();
    const ended = end("SIGTERM");
    expect((await stream.ended()).endsWith("0\r\n\r\n")).toBe(true);
    expect(await ended).toBe(0);
    expect(Date.now() - asked).toBeLessThan(3_000);
  });

  it("answers 503 while PostgreSQL is away, and tells an EventSource to come back", async () => {
    const { url, end } = await startProcess({
      PLATEN_DATABASE_URL: "postgresql://postgres@127.0.0.1:1/none",
      PLATEN_RECONCILE_MS: "60000",
    });
    const Authorization = `Bearer pk_viewer_${"x".repeat(43)}`;
    const answer = await fetch(`${url}/jobs`, { headers: { Authorization } });
    expect([answer.status, answer.headers.get("Retry-After")]).toEqual([503, "2"]);
    expect(await answer.json()).toMatchObject({ code: "unavailable", facts: { service: "PostgreSQL" } });
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, ((await ready.json()) as { missing: string[] }).missing]).toEqual([
      503,
      ["postgresql", "notifications"],
    ]);
    const stream = await fetch(`${url}/jobs/x/stream`, { headers: { Authorization, Accept: "text/event-stream" } });
    expect([stream.status, stream.headers.get("Content-Type"), await stream.text()]).toEqual([
      200,
      "text/event-stream",
      "retry: 2000\n\n",
    ]);
    expect(await end("SIGTERM")).toBe(0);
  });

  it("that lacks a setting says which, and does not start", async () => {
    await expect(startProcess({ PLATEN_DATABASE_URL: "", PLATEN_PING_SECONDS: "soon" })).rejects.toThrow(
      /PLATEN_DATABASE_URL[^]*PLATEN_PING_SECONDS/,
    );
  });
});
