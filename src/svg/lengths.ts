/** Lengths of attributes, in the user's units: CSS pixels, 96 to the inch. */

/** What percentages are of: the nearest viewport. */
export interface Viewport {
  width: number;
  height: number;
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  px: 1,
  pt: 96 / 72,
  pc: 16,
  in: 96,
  cm: 96 / 2.54,
  mm: 96 / 25.4,
  q: 96 / 101.6,
  // Without a font to ask: the usual one.
  em: 16,
  rem: 16,
  ex: 8,
};
const PLAIN = /^-?\d{1,15}(?:\.\d{1,15})?$/;
const LENGTH = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(%|[a-z]{0,3})\s*$/i;

/** `of`: what 100 % is. Null for an attribute that is not there or `auto`, NaN for what is no length. */
export function lengthOf(text: string | undefined, of: number): number | null {
  if (text === undefined) return null;
  // Most are plain numbers, and few characters need no pattern to tell.
  if (PLAIN.test(text)) return Number(text);
  if (text.trim() === "" || text.trim() === "auto") return null;
  const [, number = "", unit = ""] = LENGTH.exec(text) ?? [];
  if (number === "") return Number.NaN;
  if (unit === "%") return (Number(number) / 100) * of;
  return Number(number) * (UNITS[unit.toLowerCase()] ?? Number.NaN);
}

/** What a percentage of no direction is of (SVG 2, 8.9). */
export const diagonal = ({ width, height }: Viewport): number => Math.hypot(width, height) / Math.SQRT2;

/** Numbers of a list such as `points` or `viewBox`, up to the first thing that is none. */
export function numbersOf(text: string): { numbers: number[]; rest: string } {
  if (PLAIN.test(text)) return { numbers: [Number(text)], rest: "" };
  const numbers: number[] = [];
  const pattern = /[\s,]*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/y;
  let end = 0;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    numbers.push(Number(match[1]));
    end = pattern.lastIndex;
  }
  return { numbers, rest: text.slice(end).replace(/^[\s,]+/, "") };
}
