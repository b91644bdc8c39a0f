import type { Problem } from "../../../contract/problem.ts";
import { AppError } from "../../errors.ts";

/** `folder_invalid`. `reason` says what is wrong with `path` and what to do, without a full stop. */
export function folderInvalid(
  path: string,
  reason: string,
  more: { cause?: unknown; problems?: Problem[] } = {},
): AppError {
  return new AppError("folder_invalid", { path, reason }, more);
}
