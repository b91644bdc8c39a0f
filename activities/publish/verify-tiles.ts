/**
 * Step 4: every tile that the pyramid calls for is at the destination, with the right size and digest; the release too. What is
 * missing or damaged is named, put again from the draft, and named as a problem when that cannot be done.
 */
import { createHash } from "node:crypto";
import { pipeline } from "node:stream/promises";
import type { Problem } from "../../contract/publish.ts";
import { AppError } from "../../src/errors.ts";
import { readManifest, type ManifestTile } from "../../src/releases/tile-manifest.ts";
import { inParallel } from "../../src/storage/in-parallel.ts";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import { inStep, type ActivityDeps, type StepTools } from "../steps.ts";
import { publicTileKey, putRelease, putTile, releaseFault } from "./put-public.ts";
import type { AfterGenerate } from "./step-input.ts";

const AT_A_TIME = 8;
const BATCH = 64;
/** Enough to see what happened; the count tells the rest. */
const MAX_NAMED = 100;

/** What was found so far. Grows with the damage by its counts only. */
interface Findings {
  mended: number;
  lost: number;
  problems: Problem[];
}

/** Errors: tiles_damaged (final, names up to 100 of them). */
export async function verifyTiles(
  deps: ActivityDeps,
  input: AfterGenerate,
): Promise<{ verified: number; mended: number }> {
  const { validated, generated } = input;
  const total = validated.tile_count;
  return inStep(deps, input, { name: "verify_tiles", begins: `Verifying ${total} tiles` }, async (tools) => {
    const { signal } = tools;
    const found: Findings = { mended: 0, lost: 0, problems: [] };
    let { index } = (tools.resume as { index: number } | undefined) ?? { index: 0 };
    /** Tiles before it are whole: where the next attempt goes on. */
    let whole = index;
    if (index > 0) await tools.log(`Resuming at tile ${index + 1} of ${total}`);
    for await (const batch of readManifest(deps.stores.private, generated.manifest_key, index, BATCH)) {
      await inParallel(batch, { atATime: AT_A_TIME, signal }, async (tile) => {
        const fault = await tileFault(deps.stores.public, publicTileKey(input, tile), tile, signal);
        if (fault)
          await mend(found, tools, `/tiles/${tile.key}`, fault, () => putTile(deps.stores, input, tile, signal));
      });
      index += batch.length;
      if (found.lost === 0) whole = index;
      tools.report(index / Math.max(1, total), `${index} of ${total} tiles verified`, { index: whole });
    }
    if (index !== total) note(found, "/tiles", `The manifest has ${index} tiles, the pyramid calls for ${total}.`);
    const fault = await releaseFault(deps.stores.public, input, signal);
    if (fault) await mend(found, tools, "/release.json", fault, () => putRelease(deps.stores, input, signal));

    const [first] = found.problems;
    if (first) {
      const facts = { count: found.lost, first: `${first.path}: ${first.message}` };
      throw new AppError("tiles_damaged", facts, { problems: found.problems });
    }
    const mended = found.mended > 0 ? `, ${found.mended} of them mended` : "";
    return {
      result: { verified: index, mended: found.mended },
      message: `Verified ${index} tiles at the destination${mended}`,
    };
  });
}

/** Puts it again, and names it: in the log when that helped, as a problem when it did not. */
async function mend(
  found: Findings,
  tools: StepTools,
  path: string,
  fault: string,
  put: () => Promise<void>,
): Promise<void> {
  try {
    await put();
  } catch (error) {
    if (!(error instanceof AppError) || error.definition.retryable) throw error;
    note(found, path, `At the destination ${fault}, and it cannot be mended: ${error.message}`);
    return;
  }
  found.mended += 1;
  if (found.mended <= MAX_NAMED)
    await tools.log(`${path} was damaged at the destination (${fault}) and was put again`, "warn");
}

function note(found: Findings, path: string, message: string): void {
  found.lost += 1;
  if (found.problems.length < MAX_NAMED) found.problems.push({ code: "tile_damaged", path, message });
}

async function tileFault(
  store: ObjectStore,
  key: string,
  tile: ManifestTile,
  signal: AbortSignal,
): Promise<string | null> {
  const found = await store.get(key);
  if (!found) return "it is not there";
  if (found.info.size !== tile.size) {
    found.body.destroy();
    return `it has ${found.info.size} bytes and should have ${tile.size}`;
  }
  const hash = createHash("sha256");
  await pipeline(found.body, hash, { signal });
  return hash.digest("hex") === tile.sha256 ? null : "its SHA-256 differs";
}
