/** The fonts that come with Platen: the same on every machine, whatever is installed there. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Families in the order in which a character is looked for. Noto Sans has Latin, Greek, Cyrillic and Devanagari; Vazirmatn Arabic, in whole
 * letters: from those that Noto Sans Arabic puts together of parts, no text could be copied out of a PDF.
 */
export const FONT_FAMILIES: readonly string[] = ["Noto Sans", "Vazirmatn", "Noto Sans Hebrew"];

/** Folders that hold regular and bold ones. */
export function fontFolders(): string[] {
  const packages = [
    import.meta.resolve("@expo-google-fonts/noto-sans/package.json"),
    import.meta.resolve("@expo-google-fonts/vazirmatn/package.json"),
    import.meta.resolve("@expo-google-fonts/noto-sans-hebrew/package.json"),
  ];
  return packages
    .map((url) => dirname(fileURLToPath(url)))
    .flatMap((folder) => [join(folder, "400Regular"), join(folder, "700Bold")]);
}

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** For fontconfig, which finds fonts for SVG: these, and none of the machine's. `cache`: a folder that it may write to. */
export function fontconfigFile(cache: string): string {
  const folders = fontFolders().map((folder) => `<dir>${escaped(folder)}</dir>`);
  return `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>${folders.join("")}<cachedir>${escaped(cache)}</cachedir></fontconfig>`;
}
