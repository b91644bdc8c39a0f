/** Office files as libraries made them, with the time that they say they were made at: equal content gives equal bytes. */
import { strToU8, strFromU8, unzipSync, zipSync } from "fflate";

const CORE = "docProps/core.xml";

/** `at`: ISO 8601. Entries in the order of their names, but the one that says what the others are, which readers want first. */
export function rezip(archive: Uint8Array, at: string): Uint8Array {
  const entries = unzipSync(archive);
  const core = entries[CORE];
  if (core) {
    const told = strFromU8(core).replaceAll(
      /(<dcterms:(created|modified)[^>]*>)[^<]*/g,
      `$1${at.replace(/\.\d+/, "")}`,
    );
    entries[CORE] = strToU8(told);
  }
  const first = "[Content_Types].xml";
  const names = Object.keys(entries).filter((name) => name !== first && !name.endsWith("/"));
  const ordered = [first, ...names.toSorted()].map((name) => [name, entries[name]!] as const);
  // ZIP has no zones and begins in 1980; fflate writes what clocks show here.
  const moment = new Date(at);
  const mtime = new Date(moment.getTime() + moment.getTimezoneOffset() * 60_000);
  return zipSync(Object.fromEntries(ordered), { level: 6, mtime });
}
