/** JSON in its canonical form (RFC 8785), as fast as JSON.stringify where there is nothing to sort. */
import canonicalize from "canonicalize";

/** The bytes that `canonicalize` gives; throws where a value has no JSON form. */
export function canonicalText(value: unknown): string {
  const sorted = sortedMembers(value);
  // JSON.stringify prints numbers and texts as the RFC wants them, and members in the order they have.
  const text = sorted === UNSORTABLE ? canonicalize(value) : JSON.stringify(sorted);
  if (text === undefined) throw new Error("a value has no JSON form");
  return text;
}

/** JavaScript itself decides where some members come: those that look like numbers first, and `__proto__` not at all. */
const UNSORTABLE = Symbol("unsortable");
const hasFixedPlace = (name: string): boolean => (name >= "0" && name < ":") || name === "__proto__";

/** `value` with the members of all objects in order; itself where they are already, which spares the copy. */
function sortedMembers(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return Array.isArray(value) ? sortedItems(value) : sortedObject(value as Record<string, unknown>);
}

function sortedItems(items: unknown[]): unknown {
  let copy: unknown[] | null = null;
  for (let at = 0; at < items.length; at += 1) {
    const item = items[at];
    // Most items are numbers of positions: no call for each of them.
    if (typeof item !== "object" || item === null) continue;
    const sorted = sortedMembers(item);
    if (sorted === UNSORTABLE) return UNSORTABLE;
    if (sorted === item) continue;
    copy ??= [...items];
    copy[at] = sorted;
  }
  return copy ?? items;
}

function sortedObject(value: Record<string, unknown>): unknown {
  const names = Object.keys(value);
  let before = "";
  let inOrder = true;
  let copies: Map<string, unknown> | null = null;
  for (const name of names) {
    if (hasFixedPlace(name)) return UNSORTABLE;
    // By UTF-16 units, as the RFC has it.
    inOrder &&= before <= name;
    before = name;
    const member = value[name];
    if (typeof member !== "object" || member === null) continue;
    const sorted = sortedMembers(member);
    if (sorted === UNSORTABLE) return UNSORTABLE;
    if (sorted !== member) (copies ??= new Map()).set(name, sorted);
  }
  if (inOrder && copies === null) return value;
  const result: Record<string, unknown> = {};
  for (const name of inOrder ? names : names.sort()) result[name] = copies?.get(name) ?? value[name];
  return result;
}
