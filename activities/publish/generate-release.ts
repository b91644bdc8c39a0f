/**
 * Step 2: the content of `release.json` and the tile manifest, from one snapshot of the draft, into the private store. A version
 * that is released already is not built again: its release goes to another environment as it is.
 */
import { Readable } from "node:stream";
import type { GeneratedRelease } from "../../contract/publish.ts";
import { snapshot, type Db } from "../../src/db.ts";
import { publishTarget } from "../../src/jobs/protocol/attempt.ts";
import { AppError } from "../../src/errors.ts";
import { findVersion, type Version } from "../../src/projects/version-store.ts";
import { releaseContent } from "../../src/releases/release-content.ts";
import { findReleaseOfVersion, fixDigest } from "../../src/releases/release-store.ts";
import { isManifestOf } from "../../src/releases/tile-manifest.ts";
import { describedTileSet, tileManifest, type DescribedTiles } from "../../src/releases/release-tiles.ts";
import { stagedContentKey, stagedManifestKey } from "../../src/storage/keys.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import type { StepTools } from "../beating.ts";
import { inStep } from "../steps.ts";
import type { AfterValidate } from "./step-input.ts";

/** Errors: version_changed (the draft was edited since it was validated), release_invalid. */
export async function generateRelease(deps: ActivityDeps, input: AfterValidate): Promise<GeneratedRelease> {
  const { release_id } = input.validated;
  return inStep(deps, input, { name: "generate_release", begins: `Generating ${release_id}` }, async (tools) => {
    const kept = await reuse(deps, input, tools);
    if (kept) return { result: kept, message: `${release_id} was generated before, digest ${short(kept)}` };
    const generated = await snapshot(deps.database, (db) => build(deps, db, input, tools));
    const digest = await fixDigest(deps.database.em.fork(), release_id, generated.digest);
    if (digest !== generated.digest) {
      const reason = `${release_id} was generated with digest ${digest} before, and is ${generated.digest} now`;
      throw new AppError("release_invalid", { path: "/digest", reason });
    }
    return { result: generated, message: `Generated ${generated.bytes} bytes, digest ${short(generated)}` };
  });
}

const short = ({ digest }: GeneratedRelease): string => `${digest.slice(0, 12)}…`;

function stagedKeys({ target, validated }: AfterValidate): { content_key: string; manifest_key: string } {
  const place = [target.tenant, target.project, target.version, validated.release_id] as const;
  return { content_key: stagedContentKey(...place), manifest_key: stagedManifestKey(...place) };
}

/** What the version's release was made of, if it is released and that is still in the private store. */
async function reuse(deps: ActivityDeps, input: AfterValidate, tools: StepTools): Promise<GeneratedRelease | null> {
  const db = deps.database.em.fork();
  const { version_id } = publishTarget(tools.row);
  const released = await findReleaseOfVersion(db, version_id);
  if (!released) return null;
  const keys = stagedKeys(input);
  const { digest, bytes, tile_set_digest } = released;
  const content = await deps.stores.private.head(keys.content_key);
  if (content?.size !== bytes) return null;
  // It has the tiles it was released with: a published version is frozen.
  const tile_set = await describedTileSet(db, version_id);
  // Upload and verify believe the manifest, and it may have been lying there for months. A damaged one is generated again.
  const set = { tile_set, digest: tile_set_digest };
  if (!(await isManifestOf(deps.stores.private, keys.manifest_key, set))) return null;
  return { ...keys, digest, bytes, tile_set_digest, tile_set };
}

async function build(deps: ActivityDeps, db: Db, input: AfterValidate, tools: StepTools): Promise<GeneratedRelease> {
  const { revision, overlay_count } = input.validated;
  const keys = stagedKeys(input);
  const { signal } = tools;
  const version = await versionOf(db, input, tools);
  if (version.revision !== revision) {
    throw new AppError("version_changed", { validated: revision, current: version.revision });
  }
  const tiles = await putManifest(deps, db, version, keys.manifest_key, signal);
  const content = releaseContent(db, version, tiles.part, (count) =>
    tools.report(count / Math.max(1, overlay_count), `${count} of ${overlay_count} overlays written`),
  );
  const put = await deps.stores.private.put(keys.content_key, Readable.from(content, { objectMode: false }), {
    signal,
  });
  return { ...keys, digest: put.sha256, bytes: put.size, tile_set_digest: tiles.digest, tile_set: tiles.tile_set };
}

function versionOf(db: Db, { target }: AfterValidate, { row }: StepTools): Promise<Version> {
  return findVersion(db, { tenant_id: row.tenant_id, project: target.project, version: target.version });
}

async function putManifest(
  { stores }: ActivityDeps,
  db: Db,
  version: Version,
  key: string,
  signal: AbortSignal,
): Promise<DescribedTiles> {
  let tiles: DescribedTiles | undefined;
  const lines = async function* () {
    tiles = yield* tileManifest(db, version, signal);
  };
  await stores.private.put(key, Readable.from(lines(), { objectMode: false }), { signal });
  if (!tiles) throw new Error("the manifest was not read to its end");
  return tiles;
}
