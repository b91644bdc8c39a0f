/** A room for tests of bulk imports: a chaos room with a worker that may fetch from loopback, and short words for what they look at. */
import { buffer } from "node:stream/consumers";
import { expect } from "vitest";
import type { BulkImportPayload, BulkImportResult } from "../../contract/bulk-import.ts";
import { findArtifact } from "../../src/artifacts/artifact-store.ts";
import { query } from "../../src/db.ts";
import { findJob } from "../../src/jobs/job-queries-store.ts";
import { artifactKey } from "../../src/storage/keys.ts";
import { createChaosRoom, type ChaosRoom } from "../support/chaos-room.ts";
import { uploadOf } from "../support/job-samples/bulk-import.ts";
import { startSample } from "../support/job-samples/sample.ts";
import { createDraft, SMALL, type Draft } from "../support/publishing.ts";
import type { WorkerProcess } from "../support/worker-process.ts";

const SETTINGS = { PLATEN_FETCH_ALLOW: "127.0.0.0/8", PLATEN_FETCH_IDLE_SECONDS: "1" };

export type ImportRoom = Awaited<ReturnType<typeof createImportRoom>>;

/** With one worker running. */
export async function createImportRoom() {
  const room: ChaosRoom = await createChaosRoom();
  const startWorker = (): Promise<WorkerProcess> => room.worker({ settings: SETTINGS });
  const db = () => room.database.em.fork();

  /** `draft`: null for an import into none. */
  async function begin(draft: Draft | null, payload: BulkImportPayload, start = true): Promise<string> {
    const target = draft ? { project: draft.project, version: 1 } : {};
    const owner = draft ?? { project: "", project_id: "", version_id: "", tenant_id: room.tenant_id };
    const whole = { ...target, ...payload } as Record<string, unknown>;
    return startSample(room, owner, { type: "bulk_import", payload: whole, start });
  }

  /** The job as everyone reads it, once it has ended. */
  async function told(job: string) {
    const row = await room.ended(job, 90_000);
    const record = await findJob(db(), { tenant_id: room.tenant_id, id: job });
    return { ...row, error: record?.error ?? null, errors: record?.errors ?? null };
  }

  return {
    ...room,
    startWorker,
    firstWorker: await startWorker(),
    begin,
    told,
    draftOf: (overlays = 2): Promise<Draft> =>
      createDraft(room, { descriptor: SMALL, overlays: Array.from({ length: overlays }, () => ({})) }),
    async run(draft: Draft | null, payload: BulkImportPayload) {
      const job = await begin(draft, payload);
      const row = await told(job);
      return { job, row, result: row.result as BulkImportResult | null };
    },
    async fromText(body: string | Buffer, more: BulkImportPayload = {}): Promise<BulkImportPayload> {
      return { source: { artifact: await uploadOf(room, body) }, ...more };
    },
    async revisionOf({ version_id }: Draft): Promise<number> {
      const sql = "select revision from versions where id = $1";
      return (await query<{ revision: number }>(db(), sql, [version_id]))[0]?.revision ?? 0;
    },
    async errorFile(id: string): Promise<string> {
      const artifact = await findArtifact(db(), { tenant_id: room.tenant_id, id });
      expect(artifact).toMatchObject({ kind: "errors", media_type: "text/csv; charset=utf-8" });
      const found = await room.stores.private.get(artifactKey("harbour", id));
      if (!found) throw new Error("there is no error file");
      // `text` would take its mark away.
      return (await buffer(found.body)).toString();
    },
    /** Rows of the job that are staged. */
    async staged(job: string): Promise<number> {
      const sql = "select count(*)::int as count from import_rows where job_id = $1";
      return (await query<{ count: number }>(db(), sql, [job]))[0]?.count ?? 0;
    },
  };
}
