/**
 * What publishing needs of an overlay, derived once when it is written: its text in `release.json`, and the verdict on its geometry.
 * A publish believes a row that has the number of the present rules, and derives for itself what has another.
 */
import { quickProblem } from "../geometry/quick-problem.ts";
import { canonicalText } from "../json/canonical-text.ts";
import { isObject } from "./checked-value.ts";
import type { Overlay } from "./overlay-store.ts";

/**
 * Numbers of the rules in force, from 1. Count `formatted` up whenever `releasePart`, its schema or the canonical form gives other
 * bytes for any overlay, and `checked` whenever `geometryProblem` gives another sentence for any geometry.
 */
export const RULES = { formatted: 1, checked: 1 } as const;

/** An overlay as `release.json` has it, members in canonical order. */
export function releasePart({ ref, type, layer, label, geometry, properties, style }: Overlay) {
  return {
    geometry,
    label,
    ...(layer === null ? {} : { layer }),
    properties,
    ref,
    ...(style ? { style } : {}),
    type,
  };
}

/**
 * The JSON text of one row for `insertOverlays`. Areas that only JTS can tell of are left to the worker: this runs where others wait.
 */
export function overlayRow(overlay: Overlay): string {
  return rowOf(canonicalText(releasePart(overlay)), overlay);
}

/** The text of an overlay in `release.json`, where that of its geometry is there already: canonical, with members in order. */
export function overlayText({ geometry, ...others }: Omit<Overlay, "geometry"> & { geometry: string }): string {
  const { geometry: _, ...members } = releasePart({ ...others, geometry: NO_GEOMETRY });
  // Of all its members the geometry comes first.
  return `{"geometry":${geometry},${canonicalText(members).slice(1)}`;
}

const NO_GEOMETRY = {};

/** As `overlayRow`, of an overlay whose text is there already. */
export function rowOf(text: string, overlay: Overlay): string {
  const problem = quickProblem(overlay.geometry);
  const formatted = fitsRelease(overlay) ? RULES.formatted : 0;
  const verdict =
    problem === undefined ? `"checked":0` : `"checked":${RULES.checked},"geometry_problem":${JSON.stringify(problem)}`;
  return `{"overlay":${text},"visible":${overlay.visible},"formatted":${formatted},${verdict}}`;
}

/**
 * Does it satisfy the published schema of an overlay? By hand, in a fiftieth of the time. What does not is left to the publish,
 * which says why not.
 */
function fitsRelease({ ref, type, layer, label, geometry, properties, style }: Overlay): boolean {
  return (
    isText(ref) &&
    isText(type) &&
    (layer === null || typeof layer === "string") &&
    isObject(label) &&
    Object.values(label).every((text) => typeof text === "string") &&
    isObject(geometry) &&
    typeof geometry["type"] === "string" &&
    isObject(properties) &&
    (style === null || isObject(style))
  );
}

const isText = (value: unknown): boolean => typeof value === "string" && value !== "";
