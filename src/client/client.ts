/**
 * The client of Platen's HTTP API, `platen/client`: publish, look, watch, cancel. It is made of web APIs alone; tested on Node.
 */
import type { Environment } from "../../contract/publish.ts";
import type { Connection } from "./connection.ts";
import type { Job, JobState } from "./job.ts";
import { createRequests } from "./requests.ts";
import type { WatchEvent } from "./watch-events.ts";
import { watchJob, type WatchOptions } from "./watch-job.ts";

export { PlatenError } from "./platen-error.ts";
export { publishResult } from "./publish-result.ts";
export type { Connection } from "./connection.ts";
export type * from "./job.ts";
export type * from "./watch-events.ts";
export type { WatchOptions } from "./watch-job.ts";

export interface PublishRequest {
  project: string;
  version: number;
  environment: Environment;
  /** With the same key the same request is the same job, however often it is sent. None by default. */
  idempotencyKey?: string;
}

/** `id` of a job is its UUID or its `job_…`. Errors of all: `PlatenError`. */
export interface PlatenClient {
  /** Asks for a publish; answers as soon as the job is kept. Role: admin. */
  publish(request: PublishRequest): Promise<Pick<JobState, "id" | "job_id" | "status" | "message">>;
  /** The job as it is now, with all its log entries. */
  job(id: string): Promise<Job>;
  /** Asks the job to stop. Role: operator. */
  cancelJob(id: string, reason?: string): Promise<Omit<Job, "logs">>;
  /**
   * What happens to the job, until it has ended: every event of its ledger once, or held in a snapshot; every log entry once; all in order;
   * the newest progress; the final event once. Comes back by itself when connections break; docs/client.md. Leaving the loop frees the connection.
   */
  watchJob(id: string, options?: WatchOptions): AsyncGenerator<WatchEvent, void, undefined>;
}

/**
 * Opens no connection until it is asked something, and keeps nothing that would have to be closed. Errors: `connection_invalid`, for a URL or
 * a key that cannot be one.
 */
export function createPlatenClient(connection: Connection): PlatenClient {
  const requests = createRequests(connection);
  const pathOf = (id: string): string => `/jobs/${encodeURIComponent(id)}`;
  return {
    publish: ({ project, version, environment, idempotencyKey }) =>
      requests.ask("POST", `/projects/${encodeURIComponent(project)}/versions/${version}/publish`, {
        json: { target_environment: environment },
        headers: idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey },
        holds: "job_id",
      }),
    job: (id) => requests.ask<Job>("GET", pathOf(id), { holds: "logs" }),
    cancelJob: (id, reason) =>
      requests.ask("POST", `${pathOf(id)}/cancel`, {
        json: reason === undefined ? {} : { reason },
        holds: "status",
      }),
    watchJob: (id, options) => watchJob(requests, id, options),
  };
}
