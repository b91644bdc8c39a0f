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

/** JavaScript itself decides where such members come: numbers first, and `__proto__` not at all. */
const UNSORTABLE = Symbol("unsortable");
const FIXED_PLACE = /^\d|^__proto__$/;

/** `value` with the members of all objects in order; itself where they are already, which spares the copy. */
function sortedMembers(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return Array.isArray(value) ? sortedItems(value) : sortedObject(value as Record<string, unknown>);
}

function sortedItems(items: unknown[]): unknown {
  let copy: unknown[] | null = null;
  for (let at = 0; at < items.length; at += 1) {
    const item = items[at];
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
  let changed = false;
  const members: unknown[] = [];
  for (const [at, name] of names.entries()) {
    if (FIXED_PLACE.test(name)) return UNSORTABLE;
    const sorted = sortedMembers(value[name]);
    if (sorted === UNSORTABLE) return UNSORTABLE;
    // By UTF-16 units, as the RFC has it.
    changed ||= sorted !== value[name] || (at > 0 && names[at - 1]! > name);
    members.push(sorted);
  }
  if (!changed) return value;
  const order = names.map((_, at) => at).sort((a, b) => (names[a]! < names[b]! ? -1 : 1));
  return Object.fromEntries(order.map((at) => [names[at]!, members[at]]));
}
