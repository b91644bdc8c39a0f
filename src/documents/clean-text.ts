/** Texts as every format can hold them: whole characters, and none that XML forbids. */

/** Controls but tab and line end, and the two that are no characters (XML 1.0, 2.2); one is enough to make an Office file unreadable. */
// oxlint-disable-next-line no-control-regex -- those are what it is for
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufffe\uffff]/g;

/** Line ends become `\n`, halves of characters U+FFFD; direction marks stay: right-to-left text is written with them. */
export const cleanText = (text: string): string =>
  text.replaceAll(/\r\n?/g, "\n").toWellFormed().replaceAll(FORBIDDEN, "");

/** Every text in a value of JSON; names of members stay as they are. */
export function cleanTexts<T>(value: T): T {
  if (typeof value === "string") return cleanText(value) as T;
  if (Array.isArray(value)) return value.map(cleanTexts) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, cleanTexts(each as unknown)])) as T;
}
