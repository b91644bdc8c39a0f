/** A gateway that listens, on a real database and store; two tenants with a key for each role. */
import { connect, type Socket } from "node:net";
import { readConfig } from "../../src/config.ts";
import { startGateway, type Gateway } from "../../src/gateway/serve.ts";
import type { Attempt } from "../../src/jobs/protocol/attempt.ts";
import type { Log } from "../../src/log.ts";
import { createExecutions, createTemporalClient, type Executions } from "../../src/temporal.ts";
import { createApiKey, ensurePrincipal, ensureTenant } from "../../src/tenants/tenant-store.ts";
import type { Role } from "../../src/tenants/principal.ts";
import { createPublishing, type Publishing } from "../support/publishing.ts";

export interface Answer {
  status: number;
  headers: Headers;
  /** The parsed JSON, or the text of what is none. */
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks at what it expects
  body: any;
}

export interface GatewayRoom extends Publishing {
  url: string;
  /** What it serves at the moment. */
  watching: Gateway["watching"];
  keys: Record<Role | "foreign", string>;
  call(
    method: string,
    path: string,
    options?: { body?: unknown; key?: string; headers?: Record<string, string> },
  ): Promise<Answer>;
}

/** An address where nothing listens: what a gateway sees while Temporal is down. */
export function absentTemporal(): Executions {
  const client = createTemporalClient({ address: "127.0.0.1:1", namespace: "default" });
  return createExecutions(client, { taskQueuePrefix: "", deadlineMs: 500 });
}

/**
 * Without `executions`, Temporal is down. `settings`: variables of the configuration. `log`: none by default. `room`: of a test
 * that has one already; it stays open when the gateway is closed. `silentMs`: after which a job is asked itself.
 */
export async function startGatewayRoom(
  options: {
    executions?: Executions | "real";
    settings?: Record<string, string>;
    log?: Log;
    room?: Publishing;
    silentMs?: number;
  } = {},
): Promise<GatewayRoom> {
  const executions = options.executions ?? absentTemporal();
  const room = options.room ?? (await createPublishing(executions === "real" ? {} : { executions }));
  const variables = Object.entries(room.config).map(([name, value]) => [name, String(value)]);
  const config = readConfig({
    ...Object.fromEntries(variables),
    PLATEN_GATEWAY_PORT: "0",
    PLATEN_RECONCILE_MS: "0",
    PLATEN_PUBLIC_URL: "http://platen.test",
    ...options.settings,
  });
  // readConfig takes an empty text for an absent one; port 0 is given as text.
  const gateway: Gateway = await startGateway(
    { ...room.deps, config, ...(options.log ? { log: options.log } : {}) },
    options.silentMs === undefined ? {} : { silentMs: options.silentMs },
  );
  const keys = {
    viewer: await keyFor(room, "harbour", "viewer"),
    operator: await keyFor(room, "harbour", "operator"),
    admin: await keyFor(room, "harbour", "admin"),
    foreign: await keyFor(room, "abroad", "admin"),
  };
  return {
    ...room,
    config,
    url: gateway.url,
    watching: gateway.watching,
    keys,
    async call(method, path, { body, key = keys.admin, headers = {} } = {}) {
      const response = await fetch(gateway.url + path, {
        method,
        headers: {
          ...(key ? { Authorization: `Bearer ${key}` } : {}),
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      const isJson = /[/+]json$/.test((response.headers.get("Content-Type") ?? "").split(";")[0] ?? "");
      return { status: response.status, headers: response.headers, body: isJson && text ? JSON.parse(text) : text };
    },
    async close() {
      await gateway.close();
      if (!options.room) await room.close();
    },
  };
}

async function keyFor(room: Publishing, slug: string, role: Role): Promise<string> {
  const db = room.database.em.fork();
  const { id: tenant_id } = await ensureTenant(db, { slug, name: slug });
  const { id: principal_id } = await ensurePrincipal(db, { tenant_id, name: `${role} of ${slug}` });
  return (await createApiKey(db, { tenant_id, principal_id, role })).key;
}

/** Plays the worker's part of a job's first run. */
export const firstAttempt = (job_id: string): Attempt => ({
  ...{ job_id, run_id: "run-1", attempt_at: 1, generation: 1, reset: false },
});

/** What came over a socket, byte for byte, in arrival order. */
export interface RawAnswer {
  socket: Socket;
  text(): string;
  /** Resolves when the text holds `part`. Rejects when the socket ends before, or after ten seconds. */
  holds(part: string): Promise<void>;
  /** Resolves with everything when the other side has ended the connection or the answer. */
  ended(): Promise<string>;
}

/** Sends the request's head as it is. */
export function sendRaw(url: string, head: string[]): RawAnswer {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = "";
  const waiting = new Set<() => void>();
  const tell = (): void => waiting.forEach((check) => check());
  socket.setEncoding("utf8");
  socket.on("data", (part: string) => {
    text += part;
    tell();
  });
  let over = false;
  socket.on("close", () => {
    over = true;
    tell();
  });
  socket.on("error", () => undefined);
  socket.write(`${[...head, "Host: platen"].join("\r\n")}\r\n\r\n`);
  const until = (what: string, done: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => finish(new Error(`waited for ${what}; so far:\n${text}`)), 10_000);
      const finish = (error?: Error): void => {
        clearTimeout(timer);
        waiting.delete(check);
        if (error) reject(error);
        else resolve();
      };
      const check = (): void => {
        if (done()) finish();
        else if (over) finish(new Error(`the connection ended before ${what}; it held:\n${text}`));
      };
      waiting.add(check);
      check();
    });
  return {
    socket,
    text: () => text,
    holds: (part) => until(JSON.stringify(part), () => text.includes(part)),
    async ended() {
      // The last chunk of a chunked body, or the end of the connection.
      await until("the end", () => over || text.endsWith("0\r\n\r\n"));
      return text;
    },
  };
}
