/** JSON with the place of what is wrong: `JSON.parse` names it for some mistakes only. */
import { Tokenizer } from "@streamparser/json";
import { AppError, reasonOf } from "../../errors.ts";

/** Errors: `folder_invalid` with line and column (from 1) of `text`. */
export function parseJsonText(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = reasonOf(cause);
    const offset = offsetOf(text, message);
    // Some messages quote the whole text.
    const reason = message.startsWith("Unexpected token")
      ? `Unexpected ${JSON.stringify(text.charAt(offset))}`
      : message.replace(/ in JSON at position .*$/s, "");
    throw new AppError("folder_invalid", { path, reason: `${placeOf(text, offset)}: ${reason}` }, { cause });
  }
}

function offsetOf(text: string, message: string): number {
  const told = /position (\d+)/.exec(message)?.[1];
  if (told) return Number(told);
  let offset = text.length;
  const tokenizer = new Tokenizer();
  tokenizer.onToken = () => {};
  tokenizer.onError = (error) => {
    const at = /position "(\d+)"/.exec(error.message)?.[1];
    // The tokenizer counts bytes of UTF-8.
    if (at) offset = Buffer.from(text).subarray(0, Number(at)).toString().length;
  };
  tokenizer.write(text);
  return offset;
}

function placeOf(text: string, offset: number): string {
  const lines = text.slice(0, offset).split("\n");
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
}
