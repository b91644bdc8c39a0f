/** The routes of drafts on a real server, database and store; two tenants with keys. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Koa from "koa";
import { readConfig } from "../../src/config.ts";
import type { Database } from "../../src/db.ts";
import { answerProblems } from "../../src/gateway/middleware/problems.ts";
import { createRouter } from "../../src/gateway/router.ts";
import { draftRoutes } from "../../src/gateway/routes/drafts.ts";
import type { GatewayDeps, Role } from "../../src/gateway/route.ts";
import { createLog } from "../../src/log.ts";
import type { Stores } from "../../src/storage/object-store.ts";
import { createStores } from "../../src/storage/stores.ts";
import { createApiKey, ensurePrincipal, ensureTenant } from "../../src/tenants/tenant-store.ts";
import { createTestDatabase } from "../support/database.ts";

export interface Answer {
  status: number;
  headers: Headers;
  /** The parsed JSON, or the text of what is none. */
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks at what it expects
  body: any;
}

export interface DraftsServer {
  origin: string;
  database: Database;
  stores: Stores;
  keys: { admin: string; viewer: string; foreign: string };
  tenant_id: string;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  close(): Promise<void>;
}

interface CallOptions {
  /** JSON, unless it is a string or bytes. */
  body?: unknown;
  type?: string;
  key?: string;
  headers?: Record<string, string>;
}

export async function startDraftsServer(settings: Record<string, string> = {}): Promise<DraftsServer> {
  const db = await createTestDatabase();
  const folder = await mkdtemp(join(tmpdir(), "platen-drafts-"));
  const stores = createStores({ folder, durable: false });
  const deps = {
    config: readConfig({ PLATEN_DATABASE_URL: db.url, ...settings }),
    database: db.database,
    stores,
    log: createLog("test", "silent"),
  } as unknown as GatewayDeps;
  const app = new Koa();
  // A client that leaves is what some tests are about.
  app.silent = true;
  app.use(answerProblems(deps.log));
  app.use(createRouter(deps, draftRoutes));
  const server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const admin = await keyFor(db.database, "home", "admin");
  const viewer = await keyFor(db.database, "home", "viewer");
  const foreign = await keyFor(db.database, "abroad", "admin");
  const keys = { admin: admin.key, viewer: viewer.key, foreign: foreign.key };
  return {
    origin,
    database: db.database,
    stores,
    keys,
    tenant_id: admin.tenant_id,
    async call(method, path, { body, type, key = keys.admin, headers = {} } = {}) {
      const raw = typeof body === "string" || body instanceof Uint8Array;
      const response = await fetch(origin + path, {
        method,
        headers: {
          Authorization: `Bearer ${key}`,
          ...(body === undefined ? {} : { "Content-Type": type ?? "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: raw ? (body as string) : JSON.stringify(body) }),
      });
      const text = await response.text();
      const json = /[/+]json$/.test((response.headers.get("Content-Type") ?? "").split(";")[0] ?? "");
      return { status: response.status, headers: response.headers, body: json && text ? JSON.parse(text) : text };
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await db.close();
      await rm(folder, { recursive: true });
    },
  };
}

async function keyFor(database: Database, slug: string, role: Role): Promise<{ key: string; tenant_id: string }> {
  const db = database.em.fork();
  const { id: tenant_id } = await ensureTenant(db, { slug, name: slug });
  const { id: principal_id } = await ensurePrincipal(db, { tenant_id, name: "tester" });
  const { key } = await createApiKey(db, { tenant_id, principal_id, role });
  return { key, tenant_id };
}

/** A project with one draft; answers the path of the version. */
export async function makeDraft(server: DraftsServer, slug: string): Promise<string> {
  await server.call("POST", "/projects", { body: { slug, name: slug } });
  await server.call("POST", `/projects/${slug}/versions`, { body: {} });
  return `/projects/${slug}/versions/1`;
}

/** Marks it as a publish does. */
export async function freeze(server: DraftsServer, slug: string): Promise<void> {
  await server.database.em
    .fork()
    .execute(
      `update versions set status = 'published', published_at = now() where project_id = (select id from projects where slug = ?)`,
      [slug],
    );
}
