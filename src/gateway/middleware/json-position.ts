/** Where JSON breaks. V8 tells the position for some mistakes only. */
import { Tokenizer, TokenParser } from "@streamparser/json";

/** Index of the first character that cannot be, in text that `JSON.parse` has refused; its length if it ends too early. */
export function brokenAt(text: string): number {
  let broken: number | null = null;
  const parser = new TokenParser();
  parser.onValue = () => undefined;
  let tokenAt = 0;
  parser.onError = () => {
    broken ??= tokenAt;
  };
  const tokenizer = new Tokenizer();
  tokenizer.onToken = (token) => {
    tokenAt = token.offset;
    if (broken === null) parser.write(token);
  };
  tokenizer.onError = ({ message }) => {
    broken ??= Number(/absolute position "(\d+)"/.exec(message)?.[1] ?? tokenAt);
  };
  tokenizer.write(text);
  // It counts bytes of UTF-8.
  return broken === null ? text.length : Buffer.from(text).subarray(0, broken).toString().length;
}
