/** Cuts the text of an upload into JSON values, one per feature, without knowing what a feature is. */
import { JSONParser, TokenType } from "@streamparser/json";
import { AppError, reasonOf } from "../errors.ts";

export interface FeatureSplitter {
  /** The values that this text completes. Errors: `malformed_json`. */
  write(text: string): unknown[];
  /** What is left once the body has ended with `text`. Errors: `malformed_json`, `incomplete_body`. */
  end(text: string): unknown[];
}

/** One FeatureCollection, whose members may come in any order. */
export function splitCollection(): FeatureSplitter {
  // Asking for "$.features" as well would make the parser keep every feature until its array ends.
  const parser = new JSONParser({
    paths: ["$.type", "$.features.*"],
    keepStack: false,
    // With a buffer for strings it reads 14 MB/s a core, without one 10.
    stringBufferSize: 65_536,
  });
  const members = watchMembers();
  let ready: unknown[] = [];
  let type: unknown;
  parser.onToken = (token) => members.see(token);
  parser.onValue = ({ value, stack }) => {
    if (stack.length === 1) type = value;
    else ready.push(value);
  };
  const write = (text: string): unknown[] => {
    ready = [];
    try {
      parser.write(text);
    } catch (error) {
      throw malformed(reasonOf(error), error);
    }
    return ready;
  };
  return {
    write,
    end(text) {
      const features = write(text);
      if (!parser.isEnded) throw new AppError("incomplete_body", { reason: "the JSON document is not complete" });
      if (type !== "FeatureCollection")
        throw malformed(
          `it is no FeatureCollection but ${typeof type === "string" ? JSON.stringify(type) : "untyped"}`,
        );
      if (members.lists !== 1 || members.others > 0) throw malformed("a FeatureCollection has one array `features`");
      return features;
    },
  };
}

/** Counts the members `features` of the root, by whether they are arrays. */
function watchMembers(): { see(token: { token: TokenType; value: unknown }): void; lists: number; others: number } {
  let depth = 0;
  let name: unknown;
  let begins = false;
  return {
    lists: 0,
    others: 0,
    see({ token, value }) {
      if (begins && token === TokenType.LEFT_BRACKET) this.lists += 1;
      else if (begins) this.others += 1;
      begins = token === TokenType.COLON && depth === 1 && name === "features";
      name = value;
      if (token === TokenType.LEFT_BRACE || token === TokenType.LEFT_BRACKET) depth += 1;
      if (token === TokenType.RIGHT_BRACE || token === TokenType.RIGHT_BRACKET) depth -= 1;
    },
  };
}

/** A value per line; or per record, if the text begins with RS (RFC 8142), in which line ends are only white space. */
export function splitSequence(): FeatureSplitter {
  let rest: string[] = [];
  let number = 0;
  let separator: string | undefined;
  const parse = (texts: string[]): unknown[] =>
    texts.flatMap((text) => {
      number += 1;
      return text.trim() === "" ? [] : [parseRecord(text, number)];
    });
  const write = (text: string): unknown[] => {
    if (text === "") return [];
    separator ??= text.startsWith("\x1e") ? "\x1e" : "\n";
    const records = text.split(separator);
    const last = records.pop() ?? "";
    const [first] = records;
    // A long record that comes in many pieces is put together once, when it ends.
    if (first === undefined) {
      rest.push(last);
      return [];
    }
    records[0] = rest.join("") + first;
    rest = [last];
    return parse(records);
  };
  return { write, end: (text) => [...write(text), ...parse([rest.join("")])] };
}

function parseRecord(text: string, number: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed(`record ${number}: ${reasonOf(error)}`, error);
  }
}

/** `malformed_json` with its reason. */
export function malformed(reason: string, cause?: unknown): AppError {
  return new AppError("malformed_json", { reason }, cause === undefined ? {} : { cause });
}
