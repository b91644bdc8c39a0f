/**
 * Metrics in Prometheus' text format, on a port of their own: they count the jobs of all tenants, and so are for who runs Platen, not
 * for who has a key.
 */
import { createServer, type Server } from "node:http";
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { ATTENTION_CODES } from "../../contract/attention.ts";
import { JOB_TYPES } from "../../contract/job-types.ts";
import type { Database } from "../db.ts";
import { reasonOf } from "../errors.ts";
import { inTime } from "../in-time.ts";
import { countOpenJobs } from "../jobs/open-jobs-store.ts";
import type { Log } from "../log.ts";

export interface Metrics {
  /** The whole page. Never rejects: what cannot be counted is left out, and `platen_database_up` says so. */
  page(): Promise<string>;
  readonly contentType: string;
}

const COUNT_MS = 2_000;
const STATUSES = ["queued", "running"] as const;

export function createMetrics(deps: { database: Database; log: Log; watching(): Record<string, number> }): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = <Label extends string>(name: string, help: string, labelNames: Label[]): Gauge<Label> =>
    new Gauge({ name, help, labelNames, registers: [registry] });

  const jobs = gauge("platen_open_jobs", "Jobs that have not ended", ["type", "status"]);
  const oldest = gauge(
    "platen_open_jobs_oldest_seconds",
    "Seconds since the job that is quiet for longest was queued or made progress",
    ["type", "status"],
  );
  const attention = gauge(
    "platen_jobs_attention",
    "Open jobs that an operator should look at: stuck, stalled, paused, no_worker",
    ["code"],
  );
  const database = gauge("platen_database_up", "1 if PostgreSQL answered for this page", []);
  const watched = gauge("platen_watching", "Open streams and subscriptions of this gateway, and what they watch", [
    "what",
  ]);

  async function count(): Promise<void> {
    for (const each of [jobs, oldest, attention]) each.reset();
    const found = await inTime(countOpenJobs(deps.database.em.fork()), COUNT_MS);
    // Zeros too: an alert on what is absent would never end.
    for (const code of ATTENTION_CODES) attention.set({ code }, 0);
    for (const type of Object.keys(JOB_TYPES)) for (const status of STATUSES) jobs.set({ type, status }, 0);
    const quietest = new Map<string, number>();
    for (const { job_type: type, status, attention: code, count: number, oldest_seconds } of found) {
      jobs.inc({ type, status }, number);
      if (code) attention.inc({ code }, number);
      const key = `${type} ${status}`;
      quietest.set(key, Math.max(quietest.get(key) ?? 0, oldest_seconds));
      oldest.set({ type, status }, quietest.get(key) ?? 0);
    }
  }

  return {
    contentType: registry.contentType,
    async page() {
      for (const [what, number] of Object.entries(deps.watching())) watched.set({ what }, number);
      try {
        await count();
        database.set(1);
      } catch (error) {
        deps.log.warn({ reason: reasonOf(error) }, "the jobs could not be counted for the metrics");
        database.set(0);
      }
      return registry.metrics();
    },
  };
}

/** `GET /metrics` and nothing else. Rejects when the port is taken. */
export async function serveMetrics(metrics: Metrics, at: { host: string; port: number }): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url?.split("?")[0] !== "/metrics") {
      response.writeHead(404, { "Content-Type": "text/plain" }).end("Metrics are at /metrics.\n");
      return;
    }
    void metrics.page().then((page) => response.writeHead(200, { "Content-Type": metrics.contentType }).end(page));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(at.port, at.host, resolve);
  });
  return server;
}
