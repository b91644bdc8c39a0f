/**
 * What is among an element's attributes, found once: most elements say little, and asking each for forty names that are not there takes
 * longer than parsing it.
 */

/** Decides how it is painted, besides `style`, `class` and `id`. */
export const PAINTS = 1;
/** A label, a type or a property. */
export const SAYS = 2;
/** A handler of events. */
export const SCRIPTS = 4;
/** A language. */
export const SPEAKS = 8;

const PAINTING = new Set([
  ...["fill", "stroke", "visibility", "opacity", "fill-rule", "display", "stroke-width", "text-anchor", "font-size"],
]);

const known = new Map<string, number>();
const MAX_KNOWN = 1_000;

export function kindsOf(attributes: Record<string, string>): number {
  let kinds = 0;
  for (const name in attributes) kinds |= known.get(name) ?? kindOf(name);
  return kinds;
}

function kindOf(name: string): number {
  const says =
    name.startsWith("data-") || name.startsWith("label_") || name === "aria-label" || name === "inkscape:label";
  const kind =
    (PAINTING.has(name) ? PAINTS : 0) |
    (says ? SAYS : 0) |
    (name.startsWith("on") ? SCRIPTS : 0) |
    (name === "lang" || name === "xml:lang" ? SPEAKS : 0);
  if (known.size < MAX_KNOWN) known.set(name, kind);
  return kind;
}
