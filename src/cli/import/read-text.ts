/** Files of a project folder that must be there. */
import { readFile, stat } from "node:fs/promises";
import { reasonOf } from "../../errors.ts";
import { folderInvalid } from "./folder-invalid.ts";

/** Bytes; a gateway takes a hundredth of it as a config. */
const MAX_TEXT_BYTES = 104_857_600;

/** A file or a folder. `hint` says what to do without it. Errors: `folder_invalid`. */
export async function requirePath(path: string, hint: string): Promise<void> {
  await found(path, hint);
}

/** A file: a pipe would never be read to its end. Answers its bytes. Errors: `folder_invalid`. */
export async function requireFile(path: string, hint: string): Promise<number> {
  const { size, ...kind } = await found(path, hint);
  if (!kind.isFile) throw folderInvalid(path, `it is ${kind.isFolder ? "a folder" : "something else"}, not a file`);
  return size;
}

/** UTF-8, with or without a byte order mark. Errors: `folder_invalid`. */
export async function readText(path: string, hint: string): Promise<string> {
  if ((await requireFile(path, hint)) > MAX_TEXT_BYTES)
    throw folderInvalid(path, `it is larger than ${MAX_TEXT_BYTES} bytes`);
  const bytes = await readBytes(path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw folderInvalid(path, "it is not UTF-8", { cause });
  }
}

/** All of a file that was there a moment ago. Errors: `folder_invalid`. */
export async function readBytes(path: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    throw folderInvalid(path, `it cannot be read (${reasonOf(cause)})`, { cause });
  });
}

async function found(path: string, hint: string): Promise<{ size: number; isFile: boolean; isFolder: boolean }> {
  const facts = await stat(path).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT")
      throw folderInvalid(path, `it is missing; ${hint}`, { cause });
    throw folderInvalid(path, `it cannot be read (${reasonOf(cause)})`, { cause });
  });
  return { size: facts.size, isFile: facts.isFile(), isFolder: facts.isDirectory() };
}
