/** Text as it may be shown: what others chose can hold escapes for terminals, marks that turn lines around, or no end. */

/** Control characters but for line ends and tabs, marks of direction, halves of surrogate pairs. */
const HIDDEN = new RegExp(
  "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]|\\p{Cs}",
  "gu",
);

/** Such characters as `\u001b`. */
export function printable(text: string): string {
  return text.replaceAll(HIDDEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** At most `length` characters, with `…` for the rest. */
export function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`;
}
