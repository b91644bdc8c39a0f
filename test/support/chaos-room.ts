/** A room for tests that break things: worker processes, gates, recorders, and the rules that hold whatever happened. */
import { join } from "node:path";
import { expect } from "vitest";
import { isFinal, type JobStatus } from "../../contract/job-state.ts";
import type { Environment } from "../../contract/publish.ts";
import type { Problem } from "../../contract/problem.ts";
import { query, queryOne } from "../../src/db.ts";
import { createReconciler, type Reconciler } from "../../src/jobs/reconcile.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { describeTiles } from "../../src/releases/release-tiles.ts";
import { findReleaseOfVersion } from "../../src/releases/release-store.ts";
import type { VersionRef } from "../../src/releases/validate-version.ts";
import { draftTileKey, publicTileKey } from "../../src/storage/keys.ts";
import { createCommitGates, type CommitGate, type CommitGates } from "./commit-gate.ts";
import { recordPointer, type PointerRecorder } from "./pointer-recorder.ts";
import * as publishing from "./publishing.ts";
import { createDraft, jobRow, ledger, queueJob, until, type Draft, type Publishing } from "./publishing.ts";
import { startWorkerProcess, type WorkerProcess, type WorkerProcessOptions } from "./worker-process.ts";

/** Inside the commit of: entering a step (its name), leaving it (`… done`), the switch, the final state (its name). */
export type Moment = `${StepName}` | `${StepName} done` | "switched" | "completed" | "failed";
type StepName = "validate" | "generate_release" | "upload" | "verify_tiles" | "mark_published";

export interface ChaosRoom extends Publishing {
  gates: CommitGates;
  /** Runs no round by itself, leaves no job alone for being young. */
  reconciler: Reconciler;
  /**
   * Another one, as a gateway that has just started; with `everyMs` it goes round by itself until the room is closed. `quietMs`: jobs younger
   * than that are left to those who work on them, as a gateway does.
   */
  reconcile(everyMs?: number, quietMs?: number): Reconciler;
  worker(options?: WorkerProcessOptions): Promise<WorkerProcess>;
  /** Kills the workers that are left: a test's jobs must be worked on by its own. */
  killWorkers(): Promise<void>;
  /** A draft of about 340 tiles, six batches of an upload. */
  draft(options?: publishing.DraftOptions): Promise<Draft>;
  /** Watches what viewers of the project see from now on. */
  record(draft: Draft, environment?: Environment, lookMs?: number): PointerRecorder;
  /** Queues a publish and starts its workflow. */
  publish(draft: Draft, options?: { environment?: Environment; start?: boolean }): Promise<string>;
  /** A publish whose worker stands at a moment until the gate is opened. */
  publishUpTo(draft: Draft, moment: Moment, environment?: Environment): Promise<{ job: string; gate: CommitGate }>;
  ended(job: string, ms?: number): Promise<Awaited<ReturnType<typeof jobRow>>>;
}

const PYRAMID = { width: 4_000, height: 4_000, tile_size: 256, overlap: 0, format: "png" as const };

export async function createChaosRoom(options: publishing.PublishingOptions = {}): Promise<ChaosRoom> {
  const room = await publishing.createPublishing(options);
  const gates = await createCommitGates(room.databaseUrl);
  const reconcilers: Reconciler[] = [];
  const reconcile = (everyMs = 0, quietMs = 0): Reconciler => {
    const reconciler = createReconciler(room.deps, { everyMs, quietMs });
    reconcilers.push(reconciler);
    return reconciler;
  };
  const workers: WorkerProcess[] = [];
  const killWorkers = async (): Promise<void> => {
    await Promise.all(workers.splice(0).map((worker) => worker.kill()));
  };
  const recorders: PointerRecorder[] = [];
  return {
    ...room,
    gates,
    reconciler: reconcile(),
    reconcile,
    async worker(options) {
      const worker = await startWorkerProcess(room, options);
      workers.push(worker);
      return worker;
    },
    killWorkers,
    draft: (options) => createDraft(room, { descriptor: PYRAMID, ...options }),
    record(draft, environment = "dev", lookMs) {
      const recorder = recordPointer(room.storeFolder, environment, draft.project, lookMs);
      recorders.push(recorder);
      return recorder;
    },
    async publish(draft, { environment = "dev", start = true } = {}) {
      const job = await queueJob(room, draft, environment);
      if (start) await startJob(room.deps, job, 1);
      return job;
    },
    async publishUpTo(draft, moment, environment) {
      const job = await queueJob(room, draft, environment);
      const gate = await gates.close({ job_id: job, ...eventOf(moment) });
      await startJob(room.deps, job, 1);
      await gate.reached();
      return { job, gate };
    },
    ended: (job, ms = 40_000) =>
      until(
        `job ${job} to end`,
        async () => {
          const row = await jobRow(room, job);
          return isFinal(row.status) && row;
        },
        ms,
      ),
    async close() {
      for (const recorder of recorders) recorder.stop();
      await killWorkers();
      for (const reconciler of reconcilers) await reconciler.stop();
      await gates.end();
      await room.close();
    },
  };
}

/** What the ledger gets at that moment. */
export function eventOf(moment: Moment): { kind: string; data: Record<string, unknown> } {
  if (moment === "completed" || moment === "failed") return { kind: "status", data: { status: moment } };
  if (moment === "switched") return { kind: "log", data: { step: "mark_published", level: "info" } };
  const [step = "", done] = moment.split(" ");
  return { kind: "step", data: { step, status: done ?? "running" } };
}

/** One release of the version and one line per epoch, by the records. Answers the release's id. */
export async function expectReleasedOnce(room: Publishing, draft: Draft, jobs: string[]): Promise<string> {
  const db = room.database.em.fork();
  const releases = await query<{ id: string }>(db, `select id from releases where version_id = $1`, [draft.version_id]);
  expect(releases).toHaveLength(1);
  const lines = await query<{ epoch: number; job_id: string }>(
    db,
    `select e.epoch, e.job_id from environment_releases e join releases r on r.id = e.release_id
     where r.version_id = $1 order by e.switched_at`,
    [draft.version_id],
  );
  expect(lines.map((line) => line.job_id)).toEqual(jobs);
  return releases[0]?.id ?? "";
}

/** Nothing of the version can be found: no release, no line of what was live, no pointer; and the guard is free. */
export async function expectNothingPublic(room: Publishing, draft: Draft, recorder: PointerRecorder): Promise<void> {
  const db = room.database.em.fork();
  expect(await findReleaseOfVersion(db, draft.version_id)).toBeNull();
  expect(await queryOne(db, `select 1 from environment_releases where project_id = $1`, [draft.project_id])).toBeNull();
  expect(await recorder.served()).toEqual([]);
  expect(await recorder.copy()).toBeNull();
}

export async function guardOf(room: Publishing, draft: Draft): Promise<string | null> {
  const row = await queryOne<{ job_id: string }>(
    room.database.em.fork(),
    `select job_id from publish_guards where project_id = $1`,
    [draft.project_id],
  );
  return row?.job_id ?? null;
}

/** The ledger is gap-free, has one final event per generation, and nothing after a final event but a reopening. */
export async function expectSoundLedger(room: Publishing, job: string, endings: JobStatus[]): Promise<void> {
  const events = await ledger(room, job);
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
  const statuses = events.filter((event) => event.kind === "status");
  const finals = statuses.filter((event) => isFinal(event.data["status"] as JobStatus));
  expect(finals.map((event) => event.data["status"])).toEqual(endings);
  expect(new Set(finals.map((event) => event.data["generation"])).size).toBe(finals.length);
  for (const final of finals) {
    const next = events[final.seq];
    if (next) expect(next.data).toMatchObject({ reopened: true });
  }
  const row = await jobRow(room, job);
  expect(row.seq).toBe(events.length);
  expect(statuses.at(-1)?.data["generation"]).toBe(row.generation);
}

/** The single problems that a failed job tells. */
export async function problemsOf(room: Publishing, job: string): Promise<Problem[]> {
  const sql = `select errors from jobs where id = $1`;
  return (await queryOne<{ errors: Problem[] | null }>(room.database.em.fork(), sql, [job]))?.errors ?? [];
}

/** Messages of the job's log. */
export async function messages(room: Publishing, job: string): Promise<string[]> {
  return (await ledger(room, job)).filter(({ kind }) => kind === "log").map(({ data }) => String(data["message"]));
}

/** The draft's tiles in the order in which a publish copies them. */
export async function tileKeys(room: Publishing, draft: Draft): Promise<string[]> {
  const rows = await query<{ key: string }>(
    room.database.em.fork(),
    `select key from tiles where version_id = $1 order by key collate "C"`,
    [draft.version_id],
  );
  return rows.map((row) => row.key);
}

/** The draft as the product's readers of versions want it. */
export async function versionOf(room: Publishing, draft: Draft): Promise<VersionRef> {
  const sql = `select number from versions where id = $1`;
  const row = await queryOne<{ number: number }>(room.database.em.fork(), sql, [draft.version_id]);
  const { project, project_id, tenant_id, version_id: id } = draft;
  return { id, tenant_id, tenant: "harbour", project_id, project, number: row?.number ?? 0 };
}

/** Path of the draft's tile number `index` as imported. */
export async function sourceTile(room: Publishing, draft: Draft, index: number): Promise<string> {
  const { tenant, project, number } = await versionOf(room, draft);
  const key = (await tileKeys(room, draft))[index] ?? "";
  return join(room.storeFolder, "private", draftTileKey(tenant, project, number, key));
}

/** Path of tile number `index` where the publish copies it to. */
export async function publicTile(room: Publishing, draft: Draft, index: number): Promise<string> {
  const version = await versionOf(room, draft);
  const key = (await tileKeys(room, draft))[index] ?? "";
  const { digest } = await describeTiles(room.database.em.fork(), version, new AbortController().signal);
  return join(room.storeFolder, "public", publicTileKey(draft.project, digest, key));
}
