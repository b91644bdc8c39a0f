/** What `whyNotExact` finds in a whole text, found in the tokens of one that is never whole. */
import { Tokenizer, TokenType } from "@streamparser/json";
import { whyNotNumber } from "./exact-json.ts";
import { MAX_MEMBERS, TOO_MANY_MEMBERS } from "./storable-json.ts";

interface Token {
  token: TokenType;
  value: unknown;
}

/** `inexact`: why the first number that could not be kept as it was sent could not. */
export class ExactTokenizer extends Tokenizer {
  inexact: string | null = null;

  protected override parseNumber(text: string): number {
    this.inexact ??= whyNotNumber(text);
    return super.parseNumber(text);
  }
}

/**
 * Is handed each token in turn; answers why, when a name is there twice in one object, or there are too many names within one of
 * the values that `levels` arrays and objects surround.
 */
export function watchNames(levels: number): (token: Token) => string | null {
  /** The names of each object around the token; null for an array. */
  const around: (Set<unknown> | null)[] = [];
  let nameNext = false;
  let members = 0;
  return ({ token, value }) => {
    if (token === TokenType.STRING && nameNext) {
      nameNext = false;
      if (around.length > levels && (members += 1) > MAX_MEMBERS) return TOO_MANY_MEMBERS;
      const names = around.at(-1);
      if (names?.has(value)) return `the name ${JSON.stringify(value)} is there twice in one object`;
      names?.add(value);
    } else if (token === TokenType.LEFT_BRACE || token === TokenType.LEFT_BRACKET) {
      nameNext = token === TokenType.LEFT_BRACE;
      around.push(nameNext ? new Set() : null);
    } else if (token === TokenType.RIGHT_BRACE || token === TokenType.RIGHT_BRACKET) {
      around.pop();
      if (around.length === levels) members = 0;
      nameNext = false;
    } else if (token === TokenType.COMMA) {
      nameNext = Boolean(around.at(-1));
    }
    return null;
  };
}
