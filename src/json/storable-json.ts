/**
 * Which JSON can be kept: PostgreSQL's `jsonb` has no NUL, no lone surrogates and no infinity, and nests only so deep; a member
 * called `__proto__` would be lost without a word wherever an object is copied.
 */

/** Levels; real maps have about ten, and PostgreSQL gives up at some thousands. */
export const MAX_DEPTH = 100;
/** Members of all objects in one document or feature. More cost seconds each time they are sorted, in which nobody else is served. */
export const MAX_MEMBERS = 100_000;
export const TOO_MANY_MEMBERS = `it has more than ${MAX_MEMBERS} members`;

/** Why `value` cannot be stored, with the JSON pointer of the place; null if it can. */
export function whyNotStorable(value: unknown): string | null {
  const fault = faultOf(value, 0);
  return fault && fault.say(fault.path.length === 0 ? "its root" : placeOf(fault.path));
}

interface Fault {
  /** From the innermost name outwards while the walk goes back: nothing is put together for what is right. */
  path: (string | number)[];
  say: (place: string) => string;
}

function faultOf(value: unknown, depth: number): Fault | null {
  if (typeof value === "string") return textFault(value);
  // JSON knows no infinity, but 1e400 is read as one, and would be written as null.
  if (typeof value === "number")
    return Number.isFinite(value) ? null : { path: [], say: (place) => `the number at ${place} is too large` };
  if (typeof value !== "object" || value === null) return null;
  if (depth === MAX_DEPTH) return { path: [], say: () => `it is nested deeper than ${MAX_DEPTH} levels` };
  return Array.isArray(value) ? itemFault(value, depth + 1) : memberFault(value as Record<string, unknown>, depth + 1);
}

function itemFault(items: unknown[], depth: number): Fault | null {
  for (let index = 0; index < items.length; index += 1) {
    const fault = faultOf(items[index], depth);
    if (fault) return within(index, fault);
  }
  return null;
}

function memberFault(object: Record<string, unknown>, depth: number): Fault | null {
  for (const name of Object.keys(object)) {
    const wrongName = nameFault(name);
    if (wrongName) return wrongName;
    const fault = faultOf(object[name], depth);
    if (fault) return within(name, fault);
  }
  return null;
}

function within(step: string | number, fault: Fault): Fault {
  fault.path.push(step);
  return fault;
}

/** Tells the object that has the name. */
function nameFault(name: string): Fault | null {
  if (name !== "__proto__") return textFault(name);
  return {
    path: [],
    say: (place) => `the object at ${place} has a member called __proto__, a name that cannot be kept`,
  };
}

function textFault(text: string): Fault | null {
  if (text.includes("\0")) return { path: [], say: (place) => `the text at ${place} holds a NUL character` };
  if (!text.isWellFormed()) return { path: [], say: (place) => `the text at ${place} holds half a surrogate pair` };
  return null;
}

/** The path may hold the very characters that are complained about. */
function placeOf(path: (string | number)[]): string {
  const pointer = path.toReversed().map((step) => `/${step}`);
  return JSON.stringify(pointer.join("").toWellFormed());
}
