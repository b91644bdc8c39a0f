/**
 * Step 4: every tile that the pyramid calls for is at the destination, with the right size and digest; the release too. What is
 * missing or damaged is named, put again from the draft, and named as a problem when that cannot be done. A tile set that was read
 * to the last byte and has not been written since is not read again.
 */
import { createHash } from "node:crypto";
import type { Problem } from "../../contract/problem.ts";
import { publishTarget } from "../../src/jobs/protocol/attempt.ts";
import { AppError } from "../../src/errors.ts";
import { readManifest, type ManifestTile } from "../../src/releases/tile-manifest.ts";
import { findSeal, keepSeal } from "../../src/releases/verified-tile-set-store.ts";
import { inOrder, inParallel } from "../../src/storage/in-parallel.ts";
import type { Inspection, ObjectFault } from "../../src/storage/object-store.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import type { StepTools } from "../beating.ts";
import { inStep } from "../steps.ts";
import { holdPublicObjects } from "./hold-objects.ts";
import { descriptorFault, promisedTile, putDescriptor, putRelease, putTile, releaseFault } from "./put-public.ts";
import type { AfterGenerate } from "./step-input.ts";

/** Tiles between two reports: some milliseconds. Also the unit of seals: with another number every tile set is read once more. */
const BATCH = 64;
const BATCHES_AT_A_TIME = 4;
const MENDED_AT_A_TIME = 8;
/** After so many days even what nobody has written is read again: a disk can fail without a word. */
const TRUSTED_DAYS = 7;
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
  const total = input.validated.tile_count;
  return inStep(deps, input, { name: "verify_tiles", begins: `Verifying ${total} tiles` }, async (tools) => {
    const { signal } = tools;
    const db = deps.database.em.fork();
    const { tenant_id } = tools.row;
    const { project_id } = publishTarget(tools.row);
    const key = { project_id, digest: input.generated.tile_set_digest };
    // A retry that carries the upload over may come long after it.
    await holdPublicObjects(deps, input, tools.row, signal);
    const found: Findings = { mended: 0, lost: 0, problems: [] };
    const untouched = await isUntouched(deps, input, await findSeal(db, key, TRUSTED_DAYS), signal);
    if (!untouched) {
      const seal = await verifyAll(deps, input, tools, found);
      if (seal !== null) await keepSeal(db, { ...key, tenant_id, seal });
    }
    const descriptor = await descriptorFault(deps.stores.public, input, signal);
    if (descriptor) await mend(found, tools, "/tiles.dzi", told(descriptor), () => putDescriptor(deps.stores, input));
    const fault = await releaseFault(deps.stores.public, input, signal);
    if (fault) await mend(found, tools, "/release.json", fault, () => putRelease(deps.stores, input, signal));

    const [first] = found.problems;
    if (first) {
      const facts = { count: found.lost, first: `${first.path}: ${first.message}` };
      throw new AppError("tiles_damaged", facts, { problems: found.problems });
    }
    const mended = found.mended > 0 ? `, ${found.mended} of them mended` : "";
    const how = untouched ? " (unchanged since every byte of them was read)" : "";
    return {
      result: { verified: total, mended: found.mended },
      message: `Verified ${total} tiles at the destination${how}${mended}`,
    };
  });
}

/** Looks at every tile without reading it: is the tile set what it was when it was last verified? */
async function isUntouched(
  deps: ActivityDeps,
  input: AfterGenerate,
  seal: string | null,
  signal: AbortSignal,
): Promise<boolean> {
  if (seal === null) return false;
  const seals: string[] = [];
  for await (const { inspection } of inspected(deps, input, { from: 0, read: "sizes", signal })) {
    if (inspection.faults.some(Boolean)) return false;
    seals.push(inspection.seal);
  }
  return sealOf(seals) === seal;
}

/** Reads every tile and mends what is damaged. Answers the tile set's seal if all of it was found whole by this attempt. */
async function verifyAll(
  deps: ActivityDeps,
  input: AfterGenerate,
  tools: StepTools,
  found: Findings,
): Promise<string | null> {
  const { signal } = tools;
  const total = input.validated.tile_count;
  const { index: from } = (tools.resume as { index: number } | undefined) ?? { index: 0 };
  let index = from;
  /** Tiles before it are whole: where the next attempt goes on. */
  let whole = from;
  if (from > 0) await tools.log(`Resuming at tile ${from + 1} of ${total}`);
  const seals: string[] = [];
  for await (const { tiles, inspection } of inspected(deps, input, { from, read: "bytes", signal })) {
    seals.push(inspection.seal);
    const damaged = tiles.flatMap((tile, at) => {
      const fault = inspection.faults[at];
      return fault ? [{ tile, fault }] : [];
    });
    await inParallel(damaged, { atATime: MENDED_AT_A_TIME, signal }, ({ tile, fault }) =>
      mend(found, tools, `/tiles/${tile.key}`, told(fault, tile.size), () => putTile(deps.stores, input, tile, signal)),
    );
    index += tiles.length;
    if (found.lost === 0) whole = index;
    tools.report(index / Math.max(1, total), `${index} of ${total} tiles verified`, { index: whole });
  }
  if (index !== total) note(found, "/tiles", `The manifest has ${index} tiles, the pyramid calls for ${total}.`);
  return from === 0 && found.lost + found.mended === 0 ? sealOf(seals) : null;
}

/** The tiles from number `from` on with what the store finds, in batches, in order. */
function inspected(
  deps: ActivityDeps,
  input: AfterGenerate,
  { from, ...how }: { from: number; read: "sizes" | "bytes"; signal: AbortSignal },
): AsyncGenerator<{ tiles: ManifestTile[]; inspection: Inspection }> {
  const batches = readManifest(deps.stores.private, input.generated.manifest_key, from, BATCH);
  return inOrder(batches, { atATime: BATCHES_AT_A_TIME, signal: how.signal }, async (tiles) => {
    const objects = tiles.map((tile) => promisedTile(input, tile));
    return { tiles, inspection: await deps.stores.public.inspect(objects, how) };
  });
}

const sealOf = (seals: string[]): string => createHash("sha256").update(seals.join()).digest("hex");

function told(fault: ObjectFault, size?: number): string {
  if (fault.kind === "absent") return "it is not there";
  if (fault.kind === "digest") return "its SHA-256 differs";
  return size === undefined ? `it has ${fault.size} bytes` : `it has ${fault.size} bytes and should have ${size}`;
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
