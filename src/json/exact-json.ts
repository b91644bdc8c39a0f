/**
 * JSON that can be kept as it was sent. Two things that JSON allows would be lost without a word: of a name that an object has twice the
 * first value, and of whole numbers beyond 2⁵³ the last digits. RFC 7493 (I-JSON) forbids both, and a release is canonical
 * JSON by RFC 8785, which demands I-JSON.
 */
import { placeIn, printPlace, whyNotJson } from "./json-fault.ts";
import { MAX_DEPTH, MAX_MEMBERS, TOO_MANY_MEMBERS } from "./storable-json.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NUMBER = /-?\d+(\.\d+)?([eE][+-]?\d+)?/y;
/** Fewer digits are always exact. */
const SAFE_DIGITS = 15;

/** The value of `text`; `refuse` makes the error of a reason without its full stop. */
export function parseExactJson(text: string, refuse: (reason: string, cause?: unknown) => Error): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refuse(whyNotJson(text, cause), cause);
  }
  const reason = whyNotExact(text);
  if (reason) throw refuse(reason);
  return value;
}

/**
 * Why the JSON `text` would not be kept as it is, with the place; null if it would. Looks no further once the text is nested too
 * deep to be stored, which `whyNotStorable` tells.
 */
export function whyNotExact(text: string): string | null {
  /** The names of each object around the place; null for an array. */
  const around: (Set<string> | null)[] = [];
  let nameNext = false;
  let members = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]!;
    if (character === '"') {
      const end = endOfString(text, at);
      if (nameNext) {
        if ((members += 1) > MAX_MEMBERS) return TOO_MANY_MEMBERS;
        const name = text.slice(at, end + 1);
        if (!addName(around.at(-1)!, name))
          return `the name ${name} is there twice in one object, at ${placeOf(text, at)}`;
        nameNext = false;
      }
      at = end;
    } else if (character === "{" || character === "[") {
      if (around.length === MAX_DEPTH) return null;
      around.push(character === "{" ? new Set() : null);
      nameNext = character === "{";
    } else if (character === "}" || character === "]") {
      around.pop();
      nameNext = false;
    } else if (character === ",") {
      nameNext = around.at(-1) !== null;
    } else if (character === "-" || (character >= "0" && character <= "9")) {
      NUMBER.lastIndex = at;
      const [number] = NUMBER.exec(text)!;
      const read = whyNotNumber(number);
      if (read) return `${read}, at ${placeOf(text, at)}`;
      at += number.length - 1;
    }
  }
  return null;
}

/** Why a number is not kept as it is written, without the place; null if it is, or is a fraction, which nobody expects to be exact. */
export function whyNotNumber(number: string): string | null {
  if (number.length <= SAFE_DIGITS || !/^-?\d+$/.test(number)) return null;
  const value = Number(number);
  // What is too large altogether is told by `whyNotStorable`.
  if (Number.isSafeInteger(value) || !Number.isFinite(value) || BigInt(value).toString() === number) return null;
  return `the number ${number} would be kept as ${BigInt(value)}; send it as a text`;
}

/** False if the object has it already, however either is escaped. */
function addName(names: Set<string>, printed: string): boolean {
  const name = printed.includes("\\") ? (JSON.parse(printed) as string) : printed.slice(1, -1);
  if (names.has(name)) return false;
  names.add(name);
  return true;
}

/** Index of the quote that ends the string that begins at `from`. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; ; at += 1) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at += 1;
    else if (code === QUOTE) return at;
  }
}

const placeOf = (text: string, at: number): string => printPlace(placeIn(text, at));
