/** Step 2: the content of `release.json` and the tile manifest, from one snapshot of the draft, into the private store. */
import { Readable } from "node:stream";
import type { GeneratedRelease } from "../../contract/publish.ts";
import { AppError } from "../../src/errors.ts";
import { snapshot } from "../../src/db.ts";
import { findVersion } from "../../src/projects/version-store.ts";
import { describeTiles, releaseContent, tileManifest } from "../../src/releases/release-content.ts";
import { stagedContentKey, stagedManifestKey } from "../../src/storage/keys.ts";
import { inStep, type ActivityDeps } from "../steps.ts";
import type { AfterValidate } from "./step-input.ts";

/** Errors: version_changed (the draft was edited since it was validated), release_invalid. */
export async function generateRelease(deps: ActivityDeps, input: AfterValidate): Promise<GeneratedRelease> {
  const { target, validated } = input;
  return inStep(
    deps,
    input.job,
    { name: "generate_release", begins: `Generating ${validated.release_id}` },
    async (tools) => {
      const place = [target.tenant, target.project, target.version, validated.release_id] as const;
      const [content_key, manifest_key] = [stagedContentKey(...place), stagedManifestKey(...place)];

      return snapshot(deps.database, async (db) => {
        const version = await findVersion(db, {
          tenant_id: tools.row.tenant_id,
          project: target.project,
          version: target.version,
        });
        if (version.revision !== validated.revision) {
          throw new AppError("version_changed", { validated: validated.revision, current: version.revision });
        }
        const tiles = await describeTiles(db, version);
        await deps.stores.private.put(manifest_key, lines(tileManifest(db, version.id)), { signal: tools.signal });
        const content = releaseContent(db, version, tiles.part, (count) =>
          tools.report(
            count / Math.max(1, validated.overlay_count),
            `${count} of ${validated.overlay_count} overlays written`,
          ),
        );
        const put = await deps.stores.private.put(content_key, Readable.from(content, { objectMode: false }), {
          signal: tools.signal,
        });
        return {
          result: {
            content_key,
            manifest_key,
            digest: put.sha256,
            bytes: put.size,
            tile_set_digest: tiles.digest,
            tile_set: tiles.tile_set,
          },
          message: `Generated ${put.size} bytes, digest ${put.sha256.slice(0, 12)}…`,
        };
      });
    },
  );
}

function lines(entries: AsyncIterable<object>): Readable {
  return Readable.from(
    (async function* () {
      for await (const entry of entries) yield `${JSON.stringify(entry)}\n`;
    })(),
    { objectMode: false },
  );
}
