/**
 * Which JSON can be kept: PostgreSQL's `jsonb` has no NUL, no lone surrogates and no infinity, and nests only so deep; a member
 * called `__proto__` would be lost without a word wherever an object is copied.
 */

/** Levels; real maps have about ten, and PostgreSQL gives up at some thousands. */
export const MAX_DEPTH = 100;

/** Why `value` cannot be stored, with the JSON pointer of the place; null if it can. */
export function whyNotStorable(value: unknown, path = "", depth = 0): string | null {
  if (typeof value === "string") return whyNotText(value, path);
  // JSON knows no infinity, but 1e400 is read as one, and would be written as null.
  if (typeof value === "number") return Number.isFinite(value) ? null : `the number at ${at(path)} is too large`;
  if (typeof value !== "object" || value === null) return null;
  if (depth === MAX_DEPTH) return `it is nested deeper than ${MAX_DEPTH} levels`;
  if (Array.isArray(value)) return firstOf(value, (item, i) => whyNotStorable(item, `${path}/${i}`, depth + 1));
  return firstOf(
    Object.entries(value),
    ([key, item]) => whyNotKey(key, path) ?? whyNotStorable(item, `${path}/${key}`, depth + 1),
  );
}

function whyNotKey(key: string, path: string): string | null {
  if (key === "__proto__") return `the object at ${at(path)} has a member called __proto__, a name that cannot be kept`;
  return whyNotText(key, path);
}

function whyNotText(text: string, path: string): string | null {
  if (text.includes("\0")) return `the text at ${at(path)} holds a NUL character`;
  if (!text.isWellFormed()) return `the text at ${at(path)} holds half a surrogate pair`;
  return null;
}

function firstOf<T>(items: readonly T[], check: (item: T, index: number) => string | null): string | null {
  for (const [index, item] of items.entries()) {
    const reason = check(item, index);
    if (reason) return reason;
  }
  return null;
}

// The path may hold the very characters that are complained about.
function at(path: string): string {
  return path === "" ? "its root" : JSON.stringify(path.toWellFormed());
}
