/** The fonts that come with Platen: the same on every machine, whatever is installed there. */
import { dirname, join } from "node:path";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
/**
 * Families in the order in which a character is looked for. Noto Sans has Latin, Greek, Cyrillic and Devanagari; Vazirmatn Arabic, in whole
 * letters: from those that Noto Sans Arabic puts together of parts, no text could be copied out of a PDF.
 */
const FAMILIES = {
  "@expo-google-fonts/noto-sans": "Noto Sans",
  "@expo-google-fonts/vazirmatn": "Vazirmatn",
  "@expo-google-fonts/noto-sans-hebrew": "Noto Sans Hebrew",
} as const;

export const FONT_FAMILIES: readonly string[] = Object.values(FAMILIES);

/** Folders that hold regular and bold ones. */
export function fontFolders(): string[] {
  return Object.keys(FAMILIES).flatMap((name) => {
    const folder = dirname(require.resolve(`${name}/package.json`));
    return [join(folder, "400Regular"), join(folder, "700Bold")];
  });
}

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** For fontconfig, which finds fonts for SVG: these, and none of the machine's. `cache`: a folder that it may write to. */
export function fontconfigFile(cache: string): string {
  const folders = fontFolders().map((folder) => `<dir>${escaped(folder)}</dir>`);
  return `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>${folders.join("")}<cachedir>${escaped(cache)}</cachedir></fontconfig>`;
}
