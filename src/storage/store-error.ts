/** What goes wrong in a folder, told apart from what goes wrong in the bytes that are put into it. */
import { AppError, reasonOf } from "../errors.ts";

/** Carries an error of a body past `storeError`: a database or another store that fails in mid-body is no fault of this one. */
export class BodyFailure extends Error {
  constructor(cause: unknown) {
    super("the body failed", { cause });
  }
}

/**
 * Turns an error of the file system into `store_full` or `store_unavailable`, which are retried. Anything else is returned as it is,
 * a body's own error above all: retrying a fault of ours for hours would help nobody.
 */
export function storeError(key: string, error: unknown): unknown {
  if (error instanceof BodyFailure) return error.cause;
  const { code, errno, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (error instanceof AppError || typeof errno !== "number" || typeof syscall !== "string") return error;
  const full = code === "ENOSPC" || code === "EDQUOT";
  return new AppError(full ? "store_full" : "store_unavailable", { key, reason: reasonOf(error) }, { cause: error });
}

export const isMissing = (error: unknown): boolean =>
  ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
