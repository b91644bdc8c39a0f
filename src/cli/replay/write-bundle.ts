/** Writes a bundle, readable by its owner alone: what redaction has missed is nobody else's. */
import { lstat, open, rename, rm } from "node:fs/promises";
import { reasonOf } from "../../errors.ts";
import { CliError } from "../cli-error.ts";
import { EXIT } from "../exit-codes.ts";

/** Whole or not at all: a history that breaks off leaves the file that was there. Error: `bundle_not_written`. */
export async function writeBundle(path: string, pieces: AsyncIterable<string>): Promise<void> {
  const refused = (reason: string, cause?: unknown): CliError =>
    new CliError(EXIT.refused, "bundle_not_written", `${path} cannot be written: ${reason}.`, {
      lines: ["--save FILE says where to write it."],
      cause,
    });
  const done = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (error) {
      throw refused(reasonOf(error), error);
    }
  };
  // What is renamed to the name of a folder fails late; a link, a pipe or a device would be gone.
  const there = await lstat(path).catch(() => null);
  if (there && !there.isFile()) throw refused("something that is no regular file has that name");
  const partial = `${path}.${process.pid}.part`;
  const file = await done(open(partial, "wx", 0o600));
  try {
    try {
      // Of a handle, it goes on where the last piece ended, and writes all of it.
      for await (const piece of pieces) await done(file.writeFile(piece));
    } finally {
      await done(file.close());
    }
    await done(rename(partial, path));
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
