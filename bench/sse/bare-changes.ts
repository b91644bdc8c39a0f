/** Changes as a plain table, and their notifications, for the bare server. */
import type { Client, Pool } from "pg";
import { readableJobId } from "../../contract/workflow-id.ts";
import { PERCENT, STEP, stepsAtWork } from "./running-jobs.ts";

export const BARE_CHANNEL = "bare_changes";

export async function createChanges(pool: Pool): Promise<void> {
  await pool.query(`create table changes (id int generated always as identity primary key, data jsonb not null)`);
}

/** Answers its number. */
export async function insertChange(pool: Pool, data: unknown): Promise<number> {
  const { rows } = await pool.query<{ id: number }>({
    ...{ name: "insert", text: `insert into changes (data) values ($1::jsonb) returning id` },
    values: [JSON.stringify(data)],
  });
  return rows[0]?.id ?? 0;
}

export async function notifyChange(pool: Pool, id: number): Promise<void> {
  await pool.query({ name: "notify", text: `select pg_notify($1, $2)`, values: [BARE_CHANNEL, String(id)] });
}

export async function readChange(client: Client, id: number): Promise<unknown> {
  const { rows } = await client.query<{ data: unknown }>({
    ...{ name: "read", text: `select data from changes where id = $1`, values: [id] },
  });
  return rows[0]?.data;
}

/** Data as long as that of our frames. */
export function changeData(jobId: string, message: string): Record<string, unknown> {
  return {
    ...{ id: jobId, job_id: readableJobId(jobId), status: "running", progress: PERCENT, message, step: STEP },
    ...{ steps: stepsAtWork(), generation: 1 },
    logs: [{ timestamp: new Date().toISOString(), level: "info", message }],
  };
}
