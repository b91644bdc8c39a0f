/** The overlays of a version, one after the other in flat memory, and what documents say of them. */
import { cleanText } from "./clean-text.ts";
import type { Db } from "../db.ts";
import { polygonsOf, type Ring } from "../geometry/shape.ts";
import { nextPosition, overlayPage, type Label, type Overlay, type StoredOverlay } from "../projects/overlay-store.ts";

/** Of a page: rows, and bytes of their texts. */
const PAGE = { rows: 2_000, bytes: 8_388_608 } as const;

/** In their order. */
export async function* overlaysOf(
  db: Db,
  version_id: string,
  signal: AbortSignal,
): AsyncGenerator<StoredOverlay, void, undefined> {
  for (let after = -1; ;) {
    signal.throwIfAborted();
    const page = await overlayPage(db, version_id, { after, ...PAGE });
    yield* page;
    const last = page.at(-1)?.sort_order;
    if (last !== undefined) {
      after = last;
      continue;
    }
    const next = await nextPosition(db, version_id, after);
    if (next === null) return;
    after = next - 1;
  }
}

/** In the language, in one that is like it, in the one that was not said, in English, in any. */
export function labelIn(label: Label, language: string): string {
  const [wanted, bare] = [language.toLowerCase(), language.toLowerCase().split("-")[0]!];
  const entries = Object.entries(label);
  const found =
    entries.find(([tag]) => tag.toLowerCase() === wanted) ??
    entries.find(([tag]) => tag.toLowerCase().split("-")[0] === bare) ??
    entries.find(([tag]) => tag === "und") ??
    entries.find(([tag]) => tag === "en") ??
    entries[0];
  return cleanText(found?.[1] ?? "");
}

/** Area in square units of the coordinates; 0 for what has none. Holes do not count. */
export function areaOf(geometry: Record<string, unknown>): number {
  let sum = 0;
  for (const [shell, ...holes] of polygonsOf(geometry) ?? []) {
    sum += shell ? ringArea(shell) : 0;
    for (const hole of holes) sum -= ringArea(hole);
  }
  return Math.max(0, sum);
}

/** Measured from its first corner: far from the origin the products would lose what the area is made of. */
function ringArea(ring: Ring): number {
  let twice = 0;
  const [x0 = 0, y0 = 0] = ring[0] ?? [];
  for (let index = 1; index < ring.length; index += 1) {
    const [x1 = 0, y1 = 0] = ring[index - 1]!;
    const [x2 = 0, y2 = 0] = ring[index]!;
    twice += (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0);
  }
  return Math.abs(twice) / 2;
}

/** A field of a column, as a cell. */
export function fieldOf(overlay: Overlay, field: string, language: string): string | number | boolean | null {
  if (field === "ref") return cleanText(overlay.ref);
  if (field === "type") return cleanText(overlay.type);
  if (field === "layer") return overlay.layer === null ? null : cleanText(overlay.layer);
  if (field === "area") return Math.round(areaOf(overlay.geometry) * 100) / 100;
  if (field === "label") return labelIn(overlay.label, language);
  if (field.startsWith("label.")) return cleanText(overlay.label[field.slice("label.".length)] ?? "");
  const value = field
    .slice("properties.".length)
    .split(".")
    .reduce<unknown>((inside, name) => memberOf(inside, name), overlay.properties);
  if (value === undefined || value === null) return null;
  if (typeof value === "number" || typeof value === "boolean") return value;
  return cleanText(typeof value === "string" ? value : JSON.stringify(value)).slice(0, 32_000);
}

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
