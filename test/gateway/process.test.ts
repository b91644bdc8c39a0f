import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { createApiKey, ensurePrincipal, ensureTenant } from "../../src/tenants/tenant-store.ts";
import { createProject } from "../../src/projects/project-store.ts";
import { query } from "../../src/db.ts";
import { sendRaw } from "./gateway-room.ts";

let db: TestDatabase;
let folder: string;
beforeAll(async () => {
  db = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), "platen-gateway-"));
});
afterAll(async () => {
  await db?.close();
  await rm(folder, { recursive: true, force: true });
});

const MAIN = fileURLToPath(new URL("../../src/gateway/main.ts", import.meta.url));

/** The process, and its URL once it says that it listens. */
async function startProcess(settings: Record<string, string> = {}) {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PLATEN_DATABASE_URL: db.url,
      PLATEN_TEMPORAL_ADDRESS: inject("servers").temporal.address,
      PLATEN_STORE_FOLDER: folder,
      PLATEN_GATEWAY_PORT: "0",
      ...settings,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      log += text;
      const found = /"url":"(http:[^"]+)"/.exec(log)?.[1];
      if (found) resolve(found);
    });
    child.once("exit", (code) => reject(new Error(`the gateway ended with ${code}:\n${log}`)));
  });
  return { child, url };
}

/** A job that stays queued: Temporal gets it, and no worker is there. */
async function queuedJob(url: string): Promise<{ id: string; key: string }> {
  const em = db.database.em.fork();
  const { id: tenant_id } = await ensureTenant(em, { slug: "harbour", name: "Harbour" });
  const { id: principal_id } = await ensurePrincipal(em, { tenant_id, name: "Ada" });
  const { key } = await createApiKey(em, { tenant_id, principal_id, role: "admin" });
  const project = await createProject(em, { tenant_id, slug: "town", name: "Town", created_by: null });
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  await fetch(`${url}/projects/town/versions`, { method: "POST", headers, body: "{}" });
  const id = "01998000-0000-7000-8000-000000000001";
  // An hour ahead: the reconciler leaves alone what is alive.
  await query(
    em,
    `insert into jobs (id, tenant_id, job_type, payload, project_id, version_id, environment, workflow_id, updated_at)
     select $1, $2, 'publish', '{}', $3, id, 'dev', $4, now() + interval '1 hour' from versions where project_id = $3`,
    [id, tenant_id, project.id, `publish-${id}`],
  );
  return { id, key };
}

describe("the gateway's process", () => {
  it("ends within three seconds of SIGTERM, after it has ended its streams", async () => {
    const { child, url } = await startProcess();
    const { id, key } = await queuedJob(url);
    const ready = await (await fetch(`${url}/readyz`)).json();
    expect(ready).toMatchObject({ status: "ready", missing: [] });
    const stream = sendRaw(url, [`GET /jobs/${id}/stream HTTP/1.1`, `Authorization: Bearer ${key}`]);
    await stream.holds('"snapshot":true');
    const asked = Date.now();
    child.kill("SIGTERM");
    expect((await stream.ended()).endsWith("0\r\n\r\n")).toBe(true);
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(Date.now() - asked).toBeLessThan(3_000);
  });

  it("answers 503 while PostgreSQL is away, and tells an EventSource to come back", async () => {
    const { child, url } = await startProcess({
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
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  it("that lacks a setting says which, and does not start", async () => {
    await expect(startProcess({ PLATEN_DATABASE_URL: "", PLATEN_PING_SECONDS: "soon" })).rejects.toThrow(
      /PLATEN_DATABASE_URL[^]*PLATEN_PING_SECONDS/,
    );
  });
});
