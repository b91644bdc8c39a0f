/** A JSON file of a project folder, with the place of what is wrong. */
import { AppError } from "../../errors.ts";
import { parseExactJson } from "../../json/exact-json.ts";

/** Errors: `folder_invalid` with line and column (from 1) of `text`. */
export function parseJsonText(path: string, text: string): unknown {
  return parseExactJson(text, (reason, cause) => new AppError("folder_invalid", { path, reason }, { cause }));
}
