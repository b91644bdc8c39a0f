/**
 * The bare metal: five activities with the same row writes and the same object PUTs as a publish of a small draft, into the same
 * kind of store. They read what they need to write it, and check nothing: no validation, no verification, no heartbeat.
 */
import { randomBytes, randomUUID } from "node:crypto";
import type { Pool } from "pg";
import { pointerDocument, releaseDocument } from "../../src/releases/release-document.ts";
import * as keys from "../../src/storage/keys.ts";
import type { Stores } from "../../src/storage/object-store.ts";
import { printDescriptor } from "../../src/tiles/descriptor.ts";
import { TINY } from "../support/small-drafts.ts";
import * as records from "./records.ts";
import type { BareContent, BareJob, BareRelease } from "./records.ts";

export interface BareDeps {
  pool: Pool;
  stores: Stores;
}

export function createBareActivities({ pool, stores }: BareDeps) {
  /** A step's row is written when it begins and when it ends. */
  async function step<T>(job: BareJob, name: string, percents: [number, number], work: () => Promise<T>): Promise<T> {
    const [from, to] = percents;
    await records.writeStep(pool, job, { name, percent: from, message: `${name} begins` });
    const result = await work();
    await records.writeStep(pool, job, { name, percent: to, message: `${name} is done` });
    return result;
  }
  const header = (job: BareJob, release: BareRelease, { digest }: BareContent) => ({
    ...{ release_id: release.id, project: job.draft.project, version: 1, published_at: release.published_at, digest },
  });

  return {
    nothing: async ({ job_id }: BareJob): Promise<string> => job_id,

    validateBare: (job: BareJob): Promise<BareRelease> =>
      step(job, "validate", [0, 10], async () => {
        const { overlays, tiles } = await records.readDraft(pool, job);
        const release = {
          id: `rel_20260101000000_${randomBytes(8).toString("hex")}`,
          published_at: new Date().toISOString(),
          overlay_count: overlays.length,
          tile_count: tiles.length,
        };
        await records.reserve(pool, job, release);
        return release;
      }),

    generateBare: (job: BareJob, release: BareRelease): Promise<BareContent> =>
      step(job, "generate_release", [10, 30], async () => {
        const { tenant, project } = job.draft;
        const { config, overlays, tiles } = await records.readDraft(pool, job);
        const manifest = Buffer.from(tiles.map((tile) => `${JSON.stringify(tile)}\n`).join(""));
        const manifest_key = keys.stagedManifestKey(tenant, project, 1, release.id);
        const { sha256: tile_set_digest } = await stores.private.put(manifest_key, manifest);
        const content_key = keys.stagedContentKey(tenant, project, 1, release.id);
        const content = Buffer.from(
          JSON.stringify({ config, layers: [], overlays, tiles: { ...TINY, tile_set_digest } }),
        );
        const { sha256: digest, size: bytes } = await stores.private.put(content_key, content);
        await records.writeDigest(pool, release, digest);
        return { content_key, manifest_key, digest, bytes, tile_set_digest };
      }),

    uploadBare: (job: BareJob, release: BareRelease, content: BareContent): Promise<void> =>
      step(job, "upload", [30, 50], async () => {
        const { tenant, project } = job.draft;
        const tiles = await records.readTiles(pool, job);
        await Promise.all(
          tiles.map(async ({ key }) => {
            const from = await stores.private.get(keys.draftTileKey(tenant, project, 1, key));
            if (!from) throw new Error(`no tile ${key}`);
            await stores.public.put(keys.publicTileKey(project, content.tile_set_digest, key), from.body);
          }),
        );
        const descriptor = keys.publicDescriptorKey(project, content.tile_set_digest);
        await stores.public.put(descriptor, Buffer.from(printDescriptor(TINY)));
        const document = await releaseDocument(stores, header(job, release, content), content.content_key);
        await stores.public.put(keys.releaseKey(project, release.id), document);
      }),

    verifyBare: (job: BareJob): Promise<void> => step(job, "verify_tiles", [50, 80], async () => undefined),

    markBare: (job: BareJob, release: BareRelease, content: BareContent): Promise<string> =>
      step(job, "mark_published", [80, 100], async () => {
        const nonce = randomUUID();
        await records.switchBare(pool, job, release, content, nonce);
        const live = { ...header(job, release, content), environment: "dev", epoch: 1, nonce };
        const body = await pointerDocument(stores, live);
        const at = { environment: "dev", project: job.draft.project, epoch: 1, expected: null };
        await stores.public.putPointer({ ...at, body });
        const { id: release_id, overlay_count, tile_count, published_at } = release;
        await records.completeBare(pool, job, { release_id, overlay_count, tile_count, published_at });
        return release_id;
      }),
  };
}

export type BareActivities = ReturnType<typeof createBareActivities>;
