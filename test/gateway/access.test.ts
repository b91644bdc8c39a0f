import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createApiKey,
  ensureApiKey,
  ensurePrincipal,
  ensureTenant,
  revokeApiKeys,
} from "../../src/tenants/tenant-store.ts";
import { query } from "../../src/db.ts";
import { generateApiKey } from "../../src/tenants/api-key.ts";
import { createDraft, queueJob } from "../support/publishing.ts";
import { startGatewayRoom, type GatewayRoom } from "./gateway-room.ts";

let room: GatewayRoom;
beforeAll(async () => {
  room = await startGatewayRoom();
});
afterAll(() => room?.close());

async function owner(): Promise<{ tenant_id: string; principal_id: string }> {
  const db = room.database.em.fork();
  const { id: tenant_id } = await ensureTenant(db, { slug: "harbour", name: "again" });
  const { id: principal_id } = await ensurePrincipal(db, { tenant_id, name: "Ada" });
  return { tenant_id, principal_id };
}

describe("keys", () => {
  it("are demanded, and the answer says how to send one", async () => {
    const { status, headers, body } = await room.call("GET", "/jobs", { key: "" });
    expect(status).toBe(401);
    expect(headers.get("WWW-Authenticate")).toBe('Bearer realm="platen"');
    expect(headers.get("Content-Type")).toBe("application/problem+json");
    expect(body).toMatchObject({
      type: "/docs/errors#unauthenticated",
      title: "No valid API key",
      status: 401,
      code: "unauthenticated",
      instance: "/jobs",
      request_id: headers.get("X-Request-Id"),
    });
    expect(body.detail).toMatch(/no Authorization header.*Bearer/);
  });

  it("are refused when they are misspelt, unknown, expired or revoked, and never taken from the query", async () => {
    const db = room.database.em.fork();
    const expired = await createApiKey(db, {
      ...(await owner()),
      role: "viewer",
      expires_at: new Date(Date.now() - 1_000),
    });
    const revoked = await createApiKey(db, { ...(await owner()), role: "viewer" });
    expect((await room.call("GET", "/jobs", { key: revoked.key })).status).toBe(200);
    await revokeApiKeys(db, { tenant_id: (await owner()).tenant_id, id: revoked.id });
    for (const key of ["pk_viewer_short", generateApiKey("viewer"), expired.key, revoked.key]) {
      expect((await room.call("GET", "/jobs", { key })).status).toBe(401);
    }
    expect((await room.call("GET", `/jobs?access_token=${room.keys.viewer}`, { key: "" })).status).toBe(401);
    expect(
      (await room.call("GET", "/jobs", { key: "", headers: { Authorization: `Basic ${room.keys.viewer}` } })).status,
    ).toBe(401);
  });

  it("are stored as hashes only", async () => {
    const rows = await query(room.database.em.fork(), "select * from api_keys");
    for (const key of Object.values(room.keys)) expect(JSON.stringify(rows)).not.toContain(key.slice(-20));
    expect(rows.length).toBeGreaterThan(0);
  });

  it("can be given, and work after they were given twice, and stay revoked", async () => {
    const key = generateApiKey("operator");
    const db = room.database.em.fork();
    const first = await ensureApiKey(db, { ...(await owner()), role: "operator", key });
    expect(await ensureApiKey(db, { ...(await owner()), role: "operator", key })).toEqual(first);
    expect((await room.call("GET", "/jobs", { key })).status).toBe(200);
    await revokeApiKeys(db, { tenant_id: (await owner()).tenant_id, id: first.id });
    await ensureApiKey(db, { ...(await owner()), role: "operator", key });
    expect((await room.call("GET", "/jobs", { key })).status).toBe(401);
    await expect(ensureApiKey(db, { ...(await owner()), role: "operator", key: "secret" })).rejects.toThrow(
      "not an API key",
    );
  });
});

describe("roles", () => {
  it("viewers read, operators cancel, admins publish; each may do what the ones before it may", async () => {
    const draft = await createDraft(room);
    const job = await queueJob(room, draft);
    const may = async (method: string, path: string, key: keyof GatewayRoom["keys"]): Promise<number> =>
      (await room.call(method, path, { key: room.keys[key], ...(method === "POST" ? { body: {} } : {}) })).status;

    const publish = `/projects/${draft.project}/versions/1/publish`;
    expect(await may("GET", `/jobs/${job}`, "viewer")).toBe(200);
    expect(await may("POST", `/jobs/${job}/cancel`, "viewer")).toBe(403);
    expect(await may("POST", publish, "operator")).toBe(403);
    expect(await may("POST", `/jobs/${job}/retry`, "operator")).toBe(403);
    const { body } = await room.call("POST", publish, { key: room.keys.viewer, body: {} });
    expect(body).toMatchObject({ code: "forbidden", facts: { needed: "admin", role: "viewer" } });
    expect(await may("POST", `/jobs/${job}/cancel`, "operator")).toBe(202);
    expect(await may("POST", publish, "admin")).toBe(202);
  });
});

describe("tenants", () => {
  it("never see each other's jobs, versions, releases or streams: 404, not 403", async () => {
    const draft = await createDraft(room);
    const job = await queueJob(room, draft);
    const foreign = { key: room.keys.foreign };
    for (const path of [`/jobs/${job}`, `/jobs/${job}/status`, `/jobs/${job}/stream`, `/jobs/${job}/events`]) {
      const { status, body } = await room.call("GET", path, foreign);
      expect([path, status, body.code]).toEqual([path, 404, "job_not_found"]);
    }
    for (const path of [`/jobs/${job}/cancel`, `/jobs/${job}/retry`]) {
      expect((await room.call("POST", path, { ...foreign, body: {} })).status).toBe(404);
    }
    const project = `/projects/${draft.project}`;
    expect((await room.call("GET", `${project}/releases`, foreign)).status).toBe(404);
    expect((await room.call("GET", `${project}/versions/1/publish/validate`, foreign)).status).toBe(404);
    expect((await room.call("POST", `${project}/versions/1/publish`, { ...foreign, body: {} })).status).toBe(404);
    const payload = { project: draft.project, version: 1 };
    expect((await room.call("POST", "/jobs", { ...foreign, body: { type: "publish", payload } })).status).toBe(404);
    expect((await room.call("GET", "/jobs", foreign)).body.jobs).toEqual([]);
    expect((await room.call("GET", `/jobs/${job}`)).body.status).toBe("queued");
  });
});
