/** What code is given to make its specification of. */
import type { Db } from "../db.ts";
import { findConfig, listLayers } from "../projects/content-store.ts";
import { countOverlays } from "../projects/overlay-store.ts";
import type { Version } from "../projects/version-store.ts";
import type { SubjectVersion } from "./document-store.ts";
import { areaOf, overlaysOf } from "./overlays-of.ts";

/** Overlays that code is given; a table with `source` has all. */
const MAX_OVERLAYS = 10_000;

export interface CodeInput {
  title: string;
  project: { slug: string; name: string } | null;
  version: {
    number: number;
    status: string;
    published_at: string | null;
    config: unknown;
    layers: unknown[];
    overlay_count: number;
    /** The first 10,000, without their shapes. */
    overlays: object[];
  } | null;
}

export async function codeInput(order: {
  db: Db;
  title: string;
  subject: SubjectVersion | null;
  version: Version | null;
  signal: AbortSignal;
  leaveOut: (what: string) => void;
}): Promise<CodeInput> {
  const { db, title, subject, version, signal } = order;
  if (!subject || !version) return { title, project: null, version: null };
  const overlays: object[] = [];
  for await (const { ref, type, layer, label, properties, visible, geometry } of overlaysOf(db, version.id, signal)) {
    overlays.push({ ref, type, layer, label, properties, visible, area: areaOf(geometry) });
    if (overlays.length === MAX_OVERLAYS) break;
  }
  const { overlays: overlay_count } = await countOverlays(db, version.id);
  if (overlay_count > overlays.length)
    order.leaveOut(`${overlay_count - overlays.length} overlays, which the code was not given`);
  return {
    title,
    project: { slug: subject.project, name: subject.project_name },
    version: {
      ...{ number: version.number, status: version.status, published_at: version.published_at },
      ...{
        config: await findConfig(db, version.id),
        layers: await listLayers(db, version.id),
        overlay_count,
        overlays,
      },
    },
  };
}
