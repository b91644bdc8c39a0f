/** A JSON file of a project folder, with the place of what is wrong. */
import { AppError } from "../../errors.ts";
import { whyNotJson } from "../../projects/json-fault.ts";

/** Errors: `folder_invalid` with line and column (from 1) of `text`. */
export function parseJsonText(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError("folder_invalid", { path, reason: whyNotJson(text, cause) }, { cause });
  }
}
