/**
 * Overlays out of a file into those that a draft has, by their refs: new ones go behind the others, known ones are changed in their place,
 * and what the file does not have stays.
 */
import type { Db } from "../db.ts";
import { canonicalText } from "../json/canonical-text.ts";
import { listLayers, replaceLayers, type Layer } from "./content-store.ts";
import { overlayRow, releasePart, rowOf } from "./derive-overlay.ts";
import { lastPosition, overlaysByRef, refPage, replaceOverlays } from "./merge-overlays-store.ts";
import { insertOverlays, type Overlay } from "./overlay-store.ts";
import { MAX_LAYERS } from "./project-folder.ts";

/** `text`: of the overlay in `release.json`. */
export interface NewOverlay {
  text: string;
  overlay: Overlay;
}

export interface Merged {
  added: number;
  changed: number;
  unchanged: number;
  kept: number;
}

export type OverlayChange = "added" | "changed" | "kept";

const REFS_PER_PAGE = 5_000;

/**
 * Refs within all batches must be unique. Call inside `editDraft`. `told`: each overlay that is not as it was, or that the file does not
 * have. What a known overlay has and the new one has not said stays: languages of its label, properties, its layer, its style, and
 * whether it is shown.
 */
export async function mergeOverlays(
  tx: Db,
  owner: { version_id: string; tenant_id: string },
  batches: AsyncIterable<NewOverlay[]>,
  told: (ref: string, change: OverlayChange) => void,
): Promise<Merged> {
  const { version_id } = owner;
  const last = await lastPosition(tx, version_id);
  const before = last ?? 0;
  const found = new Set<number>();
  const merged: Merged = { added: 0, changed: 0, unchanged: 0, kept: 0 };
  let next = before + 1;
  for await (const batch of batches) {
    const refs = batch.map(({ overlay }) => overlay.ref);
    const known = last === null ? [] : await overlaysByRef(tx, version_id, refs);
    const byRef = new Map(known.map((each) => [each.ref, each]));
    const added: string[] = [];
    const changed: string[] = [];
    const positions: number[] = [];
    for (const { text, overlay } of batch) {
      const old = byRef.get(overlay.ref);
      if (!old || old.sort_order > before) {
        added.push(rowOf(text, overlay));
        told(overlay.ref, "added");
        continue;
      }
      found.add(old.sort_order);
      const now = over(old, overlay);
      if (canonicalText(releasePart(now)) === canonicalText(releasePart(old))) {
        merged.unchanged += 1;
        continue;
      }
      changed.push(overlayRow(now));
      positions.push(old.sort_order);
      told(overlay.ref, "changed");
    }
    if (added.length > 0) await insertOverlays(tx, owner, next, `[${added.join(",")}]`);
    if (changed.length > 0) await replaceOverlays(tx, version_id, positions, `[${changed.join(",")}]`);
    next += added.length;
    merged.added += added.length;
    merged.changed += changed.length;
  }
  for (let after = -1; last !== null && after < last;) {
    const page = await refPage(tx, version_id, { after, upto: last, limit: REFS_PER_PAGE });
    for (const { sort_order, ref } of page) {
      if (found.has(sort_order)) continue;
      merged.kept += 1;
      told(ref, "kept");
    }
    after = page.at(-1)?.sort_order ?? last;
  }
  return merged;
}

function over(old: Overlay, now: Overlay): Overlay {
  return {
    ...now,
    layer: now.layer ?? old.layer,
    label: { ...old.label, ...now.label },
    properties: { ...old.properties, ...now.properties },
    style: now.style ?? old.style,
    visible: old.visible,
  };
}

type NewLayer = Pick<Layer, "ref" | "label" | "visible">;

/**
 * Adds the layers that the draft does not have behind those that it has, as many as it may have, and to known ones the languages that their
 * labels lack. Call inside `editDraft`.
 */
export async function mergeLayers<Given extends NewLayer>(
  tx: Db,
  owner: { version_id: string; tenant_id: string },
  layers: readonly Given[],
): Promise<{ changed: boolean; tooMany: Given[] }> {
  const old = await listLayers(tx, owner.version_id);
  const given = new Map(layers.map((layer) => [layer.ref, layer]));
  const known = new Set(old.map(({ ref }) => ref));
  const kept = old.map((layer) => ({ ...layer, label: { ...given.get(layer.ref)?.label, ...layer.label } }));
  const unknown = layers.filter(({ ref }) => !known.has(ref));
  const room = Math.max(0, MAX_LAYERS - old.length);
  const added = unknown.slice(0, room).map(({ ref, label, visible }) => ({ ref, label, visible, style: null }));
  const now = [...kept, ...added];
  const changed = canonicalText(now) !== canonicalText(old);
  if (changed) await replaceLayers(tx, owner, now);
  return { changed, tooMany: unknown.slice(room) };
}
