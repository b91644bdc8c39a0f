/** Files of a project folder that must be there. */
import { readFile, stat } from "node:fs/promises";
import { folderInvalid } from "./folder-invalid.ts";

/** A file or a folder. `hint` says what to do without it. Errors: `folder_invalid`. */
export async function requirePath(path: string, hint: string): Promise<void> {
  await stat(path).catch((cause: unknown) => {
    throw folderInvalid(path, `it is missing; ${hint}`, { cause });
  });
}

/** UTF-8, with or without a byte order mark. Errors: `folder_invalid`. */
export async function readText(path: string, hint: string): Promise<string> {
  await requirePath(path, hint);
  const bytes = await readFile(path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw folderInvalid(path, "it is not UTF-8", { cause });
  }
}
