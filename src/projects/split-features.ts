/** Cuts the text of an upload into JSON values, one per feature, without knowing what a feature is. */
import { TokenParser, TokenType } from "@streamparser/json";
import { AppError, reasonOf } from "../errors.ts";
import { parseExactJson } from "../json/exact-json.ts";
import { ExactTokenizer, watchNames } from "../json/exact-tokens.ts";
import { absolutePosition, depthOf, placeIn, printPlace, tooDeep, unexpected, type Place } from "../json/json-fault.ts";
import { MAX_DEPTH } from "../json/storable-json.ts";

export interface FeatureSplitter {
  /** The values that this text completes. Errors: `malformed_json`. */
  write(text: string): unknown[];
  /** What is left once the body has ended with `text`. Errors: `malformed_json`, `incomplete_body`. */
  end(text: string): unknown[];
}

/** One FeatureCollection, whose members may come in any order. */
export function splitCollection(): FeatureSplitter {
  // Asking for "$.features" as well would make the parser keep every feature until its array ends.
  const parser = new TokenParser({ paths: ["$.type", "$.features.*"], keepStack: false });
  // With a buffer for strings it reads 14 MB/s a core, without one 10.
  const tokenizer = new ExactTokenizer({ stringBufferSize: 65_536 });
  const members = watchMembers();
  const nameFault = watchNames(COLLECTION_DEPTH);
  const text = watchText();
  let ready: unknown[] = [];
  let count = 0;
  let type: unknown;
  let tokenAt = 0;
  let depth = 0;
  let deep = false;
  let inexact: string | null = null;
  tokenizer.onToken = (token) => {
    tokenAt = token.offset;
    depth = members.see(token);
    deep = depth > COLLECTION_DEPTH + MAX_DEPTH;
    inexact = nameFault(token) ?? tokenizer.inexact;
    // Ends the parser; said in our words below.
    if (deep || inexact) throw new Error("not to be kept");
    parser.write(token);
  };
  parser.onError = (error) => tokenizer.error(error);
  parser.onEnd = () => tokenizer.isEnded || tokenizer.end();
  tokenizer.onEnd = () => parser.isEnded || parser.end();
  parser.onValue = ({ value, stack }) => {
    if (stack.length === 1) type = value;
    else {
      count += 1;
      ready.push(value);
    }
  };
  const write = (part: string): unknown[] => {
    ready = [];
    try {
      tokenizer.write(part);
    } catch (error) {
      const { offset, place } = text.placeOf(part, absolutePosition(reasonOf(error)) ?? tokenAt);
      if (deep) throw new AppError("overlay_invalid", { index: count + 1, reason: tooDeep(place) });
      const reason = inexact && `${inexact}, at ${printPlace(place)}`;
      if (reason && depth <= COLLECTION_DEPTH) throw malformed(reason);
      if (reason) throw new AppError("overlay_invalid", { index: count + 1, reason });
      throw malformed(unexpected(part, offset, place), error);
    }
    text.pass(part);
    return ready;
  };
  return {
    write,
    end(last) {
      const features = write(last);
      if (!tokenizer.isEnded || !parser.isEnded)
        throw new AppError("incomplete_body", { reason: "the JSON document is not complete" });
      if (type !== "FeatureCollection")
        throw malformed(
          `it is no FeatureCollection but ${typeof type === "string" ? JSON.stringify(type) : "untyped"}; send ` +
            `{"type":"FeatureCollection","features":[…]} with what it holds as features`,
        );
      if (members.lists !== 1 || members.others > 0) throw malformed("a FeatureCollection has one array `features`");
      return features;
    },
  };
}

/** Levels around a feature: the collection and its array. */
const COLLECTION_DEPTH = 2;

/** Where in the whole text its present part begins. */
function watchText(): {
  pass(part: string): void;
  /** `at`: bytes of UTF-8 since the beginning. Answers the index in the part and the place in the whole text. */
  placeOf(part: string, at: number): { offset: number; place: Place };
} {
  let bytes = 0;
  let begin: Place = { line: 1, column: 1 };
  return {
    pass(part) {
      bytes += Buffer.byteLength(part);
      begin = placeIn(part, part.length, begin);
    },
    placeOf(part, at) {
      // A token may have begun in the part before, which is gone.
      const offset = Buffer.from(part)
        .subarray(0, Math.max(0, at - bytes))
        .toString().length;
      return { offset, place: placeIn(part, offset, begin) };
    },
  };
}

/** Counts the members `features` of the root, by whether they are arrays; `see` answers how deep the text is by then. */
function watchMembers(): { see(token: { token: TokenType; value: unknown }): number; lists: number; others: number } {
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
      depth += depthOf(token);
      return depth;
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
  return parseExactJson(text, (reason, cause) => malformed(`record ${number}: ${reason}`, cause));
}

/** `malformed_json` with its reason. */
export function malformed(reason: string, cause?: unknown): AppError {
  return new AppError("malformed_json", { reason }, cause === undefined ? {} : { cause });
}
