/** Names of files that people chose, made harmless for headers, file systems and eyes; what is left keeps its script. */

/** Bytes of UTF-8, as file systems count; enough below 255 for the endings that browsers and we add while a download is under way. */
const MAX_BYTES = 200;

/**
 * Characters that no name may hold: controls, what separates folders anywhere, what Windows forbids, and what turns the direction of the
 * text that follows, for `invoice\u202Efdp.exe` reads `invoiceexe.pdf`.
 */
// oxlint-disable-next-line no-control-regex -- those are what it is for
const HARMFUL = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff/\\:*?"<>|]+/g;

/** Names that mean a device on Windows, whatever their ending. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** `fallback`: where nothing is left of the name. */
export function fileName(name: string, fallback = "download"): string {
  const bare = name
    .toWellFormed()
    .normalize("NFC")
    .replaceAll(HARMFUL, " ")
    .replaceAll(/\s+/g, " ")
    .replace(/^[. ]+/, "")
    .replace(/[. ]+$/, "");
  if (bare === "") return fallback;
  const shown = DEVICE.test(bare) ? `_${bare}` : bare;
  const ending = /\.[A-Za-z0-9]{1,8}$/.exec(shown)?.[0] ?? "";
  const [stem, room] = [shown.slice(0, shown.length - ending.length), MAX_BYTES - ending.length];
  return `${cut(stem, room)}${ending}`;
}

/** The longest beginning of whole characters, as people count them, that fits. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  let kept = "";
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (Buffer.byteLength(kept) + Buffer.byteLength(segment) > bytes) break;
    kept += segment;
  }
  return kept.trimEnd();
}
