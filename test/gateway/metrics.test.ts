import { readFile } from "node:fs/promises";
import getPort from "get-port";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startGateway, type Gateway } from "../../src/gateway/serve.ts";
import { ROOT } from "../rules/source-files.ts";
import { createDraft, createPublishing, queueJob, type Publishing } from "../support/publishing.ts";

let room: Publishing;
let gateway: Gateway;
let page: string;

beforeAll(async () => {
  room = await createPublishing();
  const port = await getPort();
  page = `http://127.0.0.1:${port}/metrics`;
  const { deps, stores } = room;
  const config = { ...room.config, PLATEN_GATEWAY_PORT: 0, PLATEN_METRICS_PORT: port, PLATEN_RECONCILE_MS: 0 };
  gateway = await startGateway({ ...deps, stores, config });
});
afterAll(async () => {
  await gateway?.close();
  await room?.close();
});

const read = async (): Promise<string> => (await fetch(page)).text();

test("open jobs, and those that an operator should look at, are counted", async () => {
  expect(await read()).toMatch(/^platen_open_jobs\{type="publish",status="queued"\} 0$/m);
  expect(await read()).toMatch(/^platen_jobs_attention\{code="stuck"\} 0$/m);

  const id = await queueJob(room, await createDraft(room));
  const odd = { code: "stuck", message: "…", since: new Date().toISOString() };
  await room.database.em
    .fork()
    .getConnection()
    .execute(`update jobs set attention = ?::jsonb where id = ?`, [JSON.stringify(odd), id]);

  const told = await read();
  expect(told).toMatch(/^platen_open_jobs\{type="publish",status="queued"\} 1$/m);
  expect(told).toMatch(/^platen_jobs_attention\{code="stuck"\} 1$/m);
  expect(told).toMatch(/^platen_open_jobs_oldest_seconds\{type="publish",status="queued"\} \d/m);
  expect(told).toMatch(/^platen_database_up 1$/m);
});

test("each metric of ours is told in docs/operations.md", async () => {
  const named = [...(await read()).matchAll(/^# TYPE (platen_\w+)/gm)].map(([, name]) => name ?? "");
  expect(named.length).toBeGreaterThan(3);
  const runbook = await readFile(`${ROOT}/docs/operations.md`, "utf8");
  expect(named.filter((name) => !new RegExp(`\\b${name}\\b`).test(runbook))).toEqual([]);
});

test("the gateway's own port has none: they count the jobs of all tenants", async () => {
  expect((await fetch(`${gateway.url}/metrics`)).status).toBe(404);
  expect((await fetch(page.replace("/metrics", "/jobs"))).status).toBe(404);
});
