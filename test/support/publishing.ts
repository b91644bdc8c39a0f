/** Everything a publish needs, real: database, stores in a folder, Temporal, workers; and drafts to publish. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DefaultLogger, Runtime } from "@temporalio/worker";
import { v7 as uuidv7 } from "uuid";
import { workflowId } from "../../contract/workflow-id.ts";
import type { Environment } from "../../contract/publish.ts";
import { readConfig, type Config } from "../../src/config.ts";
import { query, queryOne, transaction, type Database } from "../../src/db.ts";
import { claimGuard } from "../../src/jobs/guard-store.ts";
import { createJobNotifier } from "../../src/jobs/job-notifier.ts";
import { readJob, type JobRow } from "../../src/jobs/job-store.ts";
import { writeJob } from "../../src/jobs/job-writes-store.ts";
import { eventsAfter, type JobEvent } from "../../src/jobs/ledger-store.ts";
import type { ProtocolDeps } from "../../src/jobs/protocol/attempt.ts";
import { createLog } from "../../src/log.ts";
import { replaceConfig } from "../../src/projects/content-store.ts";
import { overlayRow } from "../../src/projects/derive-overlay.ts";
import { insertOverlays, type Overlay } from "../../src/projects/overlay-store.ts";
import { createProject } from "../../src/projects/project-store.ts";
import { insertTiles, replaceTileSet } from "../../src/projects/tile-store.ts";
import { draftTileKey } from "../../src/storage/keys.ts";
import { createStores } from "../../src/storage/stores.ts";
import type { Stores } from "../../src/storage/object-store.ts";
import { createExecutions, type Executions } from "../../src/temporal.ts";
import { ensurePrincipal, ensureTenant } from "../../src/tenants/tenant-store.ts";
import { expectedTiles, type Descriptor } from "../../src/tiles/dzi.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { testTemporal, type TestTemporal } from "./temporal.ts";

export interface Draft {
  project: string;
  project_id: string;
  version_id: string;
  tenant_id: string;
}

export interface Publishing {
  config: Config;
  database: Database;
  databaseUrl: string;
  temporal: TestTemporal;
  stores: Stores;
  storeFolder: string;
  executions: Executions;
  deps: ProtocolDeps;
  tenant_id: string;
  principal: { tenant_id: string; id: string; name: string };
  close(): Promise<void>;
}

export interface PublishingOptions {
  /** Replaces Temporal where a test scripts its answers as data. */
  executions?: Executions;
  /** Where the stores are; a new folder by default. */
  storeFolder?: string;
  /** Servers of the file's own, where it stops them; the run's by default. They are closed with the room. */
  database?: TestDatabase;
  temporal?: TestTemporal;
}

export async function createPublishing(options: PublishingOptions = {}): Promise<Publishing> {
  quietRuntime();
  const db = options.database ?? (await createTestDatabase({ pool: 20 }));
  const temporal = options.temporal ?? (await testTemporal());
  const storeFolder = options.storeFolder ?? (await mkdtemp(join(tmpdir(), "platen-store-")));
  const config = readConfig({
    PLATEN_DATABASE_URL: db.url,
    PLATEN_TEMPORAL_ADDRESS: temporal.address,
    PLATEN_TEMPORAL_NAMESPACE: temporal.namespace,
    PLATEN_TASK_QUEUE_PREFIX: temporal.taskQueuePrefix,
    PLATEN_STORE_FOLDER: storeFolder,
    PLATEN_LOG_LEVEL: process.env["TEST_LOG"] ?? "silent",
    PLATEN_MIRROR_TICK_MS: "20",
  });
  const log = createLog("test", config.PLATEN_LOG_LEVEL);
  const { database } = db;
  const stores = createStores({ folder: storeFolder, durable: false });
  const executions =
    options.executions ?? createExecutions(temporal.client, { taskQueuePrefix: temporal.taskQueuePrefix });
  const notifier = createJobNotifier({ database, log, tickMs: 20 });
  const em = database.em.fork();
  const tenant = await ensureTenant(em, { slug: "harbour", name: "Harbour" });
  const principal = await ensurePrincipal(em, { tenant_id: tenant.id, name: "Ada" });
  return {
    config,
    database,
    databaseUrl: db.url,
    temporal,
    stores,
    storeFolder,
    executions,
    deps: { database, executions, stores, notifier, log },
    tenant_id: tenant.id,
    principal: { tenant_id: tenant.id, id: principal.id, name: "Ada" },
    async close() {
      await notifier.stop();
      await temporal.close();
      await db.close();
      await rm(storeFolder, { recursive: true, force: true });
    },
  };
}

let quiet = false;

/** Temporal's runtime logs to stderr unless told otherwise, and can be told once per process. */
function quietRuntime(): void {
  if (!quiet) Runtime.install({ logger: new DefaultLogger("ERROR") });
  quiet = true;
}

export const SMALL: Descriptor = { width: 600, height: 400, tile_size: 256, overlap: 1, format: "png" };

export interface DraftOptions {
  descriptor?: Descriptor;
  overlays?: Partial<Overlay>[];
  /** Bytes of each tile. */
  tileBytes?: number;
  config?: Record<string, unknown> | null;
  /** Adds a version to this project instead of making one. */
  project?: Draft;
}

/** A draft that validates, unless told otherwise. Its tiles hold random bytes: nothing behind the import looks inside. */
export async function createDraft(room: Publishing, options: DraftOptions = {}): Promise<Draft> {
  const slug = options.project?.project ?? `town-${randomBytes(4).toString("hex")}`;
  const db = room.database.em.fork();
  const owner = { tenant_id: room.tenant_id };
  const project_id =
    options.project?.project_id ?? (await createProject(db, { ...owner, slug, name: "Town", created_by: null })).id;
  const version_id = uuidv7();
  const row = await queryOne<{ number: number }>(
    db,
    `insert into versions (id, tenant_id, project_id, number)
     select $1, $2, $3, coalesce(max(number), 0) + 1 from versions where project_id = $3 returning number`,
    [version_id, room.tenant_id, project_id],
  );
  const number = row?.number ?? 1;
  const version = { version_id, tenant_id: room.tenant_id };
  if (options.config !== null) await replaceConfig(db, version, options.config ?? { title: "Town" });
  const overlays = (options.overlays ?? [{}, {}]).map((overlay, index) => ({ ...plot(index), ...overlay }));
  await insertOverlays(db, version, 0, `[${overlays.map(overlayRow).join(",")}]`);
  const descriptor = options.descriptor ?? SMALL;
  await replaceTileSet(db, version, descriptor);
  const tiles = [];
  for (const { key } of expectedTiles(descriptor)) {
    const bytes = randomBytes(options.tileBytes ?? 300);
    await room.stores.private.put(draftTileKey("harbour", slug, number, key), bytes);
    tiles.push({
      key,
      size: bytes.byteLength,
      sha256: createHash("sha256").update(bytes).digest("hex"),
      media_type: "image/png",
    });
  }
  await insertTiles(db, version, tiles);
  return { project: slug, project_id, version_id, tenant_id: room.tenant_id };
}

function plot(index: number): Overlay {
  const x = index * 20;
  return {
    ref: `plot-${index + 1}`,
    type: "plot",
    layer: null,
    label: { en: `Plot ${index + 1}`, ar: `قطعة ${index + 1}` },
    geometry: {
      type: "Polygon",
      coordinates: [
        [
          [x, 0],
          [x + 10, 0],
          [x + 10, 10],
          [x, 10],
          [x, 0],
        ],
      ],
    },
    properties: {},
    style: null,
    visible: true,
  };
}

/** What the gateway's POST leaves behind: the row, queued, with the guard. Does not start anything. */
export async function queueJob(room: Publishing, draft: Draft, environment: Environment = "dev"): Promise<string> {
  const id = uuidv7();
  await transaction(room.database, async (tx) => {
    await query(
      tx,
      `insert into jobs (id, tenant_id, job_type, payload, project_id, version_id, environment, created_by, workflow_id)
       values ($1, $2, 'publish', '{}', $3, $4, $5, $6, $7)`,
      [
        id,
        draft.tenant_id,
        draft.project_id,
        draft.version_id,
        environment,
        room.principal.id,
        workflowId("publish", id),
      ],
    );
    const key = { tenant_id: draft.tenant_id, project_id: draft.project_id, environment };
    if ((await claimGuard(tx, key, id)) !== id) throw new Error("the guard is held");
    await writeJob(tx, id, {}, [{ kind: "status", data: { status: "queued", generation: 1 } }]);
  });
  return id;
}

export async function jobRow(
  room: Publishing,
  id: string,
): Promise<JobRow & { error_code: string | null; size: number | null }> {
  const db = room.database.em.fork();
  const row = await readJob(db, id);
  const sql = `select error_code, size from jobs where id = $1`;
  const more = await queryOne<{ error_code: string | null; size: number | null }>(db, sql, [id]);
  if (!row || !more) throw new Error(`no job ${id}`);
  return { ...row, ...more };
}

export async function ledger(room: Publishing, id: string): Promise<JobEvent[]> {
  return eventsAfter(room.database.em.fork(), id, 0, 10_000);
}

/** Polls `look` until it answers something; the error names what was waited for. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined | false>,
  ms = 40_000,
): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited ${ms} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
