/** Writes a bundle, readable by its owner alone: what redaction has missed is nobody else's. */
import { open, rename, rm } from "node:fs/promises";
import { reasonOf } from "../../errors.ts";
import { CliError } from "../cli-error.ts";
import { EXIT } from "../exit-codes.ts";

/** Whole or not at all: a history that breaks off leaves the file that was there. */
export async function writeBundle(path: string, pieces: AsyncIterable<string>): Promise<void> {
  const partial = `${path}.${process.pid}.part`;
  try {
    const file = await open(partial, "wx", 0o600).catch((error: unknown) => {
      throw new CliError(EXIT.refused, "bundle_not_written", `${path} cannot be written: ${reasonOf(error)}.`, {
        cause: error,
      });
    });
    try {
      for await (const piece of pieces) await file.write(piece);
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
