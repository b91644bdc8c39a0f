/** What is wrong with JSON text and where, in our own words: parsers name the place for some mistakes only. */
import { Tokenizer, TokenParser, TokenType } from "@streamparser/json";
import { MAX_DEPTH } from "./storable-json.ts";

/** Characters shown on either side of the place. */
const NEAR = 20;
/** Bytes looked at in one go; what is nested too deep is found within the first that are too many. */
const SLICE_BYTES = 4_096;

/** A place in a text that may be part of a longer one: counted from 1. */
export interface Place {
  line: number;
  column: number;
}

/** Why `text` is no JSON, after `JSON.parse` has refused it with `refusal`: a sentence without its full stop. */
export function whyNotJson(text: string, refusal: unknown): string {
  const { offset, deep } = faultOf(text, refusal instanceof Error ? refusal.message : "");
  const place = placeIn(text, offset);
  if (deep) return tooDeep(place);
  if (text.slice(offset).trim() === "") return endsEarly(text, place);
  return unexpected(text, offset, place);
}

/** `unexpected "]" at line 2, column 7, near "[1, ]"`. `offset`: of the character, in `text`. */
export function unexpected(text: string, offset: number, place: Place): string {
  const character = String.fromCodePoint(text.codePointAt(offset) ?? 0);
  const near = text.slice(Math.max(0, offset - NEAR), offset + NEAR);
  return `unexpected ${quoted(character)} at ${printPlace(place)}, near ${quoted(near)}`;
}

export function tooDeep(place: Place): string {
  return `it is nested deeper than ${MAX_DEPTH} levels at ${printPlace(place)}`;
}

/** Line and column of `text[offset]`; `from`: where `text` begins. */
export function placeIn(text: string, offset: number, from: Place = { line: 1, column: 1 }): Place {
  const before = text.slice(0, offset);
  const lastBreak = before.lastIndexOf("\n");
  if (lastBreak < 0) return { line: from.line, column: from.column + before.length };
  return { line: from.line + before.split("\n").length - 1, column: before.length - lastBreak };
}

function endsEarly(text: string, place: Place): string {
  const end = text.trimEnd();
  return `it ends too early, at ${printPlace(place)}${end === "" ? "" : `, after ${quoted(end.slice(-NEAR))}`}`;
}

export const printPlace = ({ line, column }: Place): string => `line ${line}, column ${column}`;
/** A cut may go through a surrogate pair. */
const quoted = (text: string): string => JSON.stringify(text.toWellFormed());

interface Fault {
  /** Index of the first character that cannot be; the text's length if it ends too early. */
  offset: number;
  deep: boolean;
}

/** By V8's own words where they tell a place: they begin with it, or quote the text, which may hold anything. */
function faultOf(text: string, message: string): Fault {
  if (message.startsWith("Unexpected end")) return { offset: text.length, deep: false };
  const told = message.startsWith("Unexpected token") ? null : / in JSON at position (\d+)/.exec(message);
  return told ? { offset: Number(told[1]), deep: false } : scan(text);
}

function scan(text: string): Fault {
  // The one before it has been taken off; the tokenizer would pass over this one.
  if (text.startsWith("\uFEFF")) return { offset: 0, deep: false };
  const bytes = Buffer.from(text);
  const state = { depth: 0, at: 0, broken: -1 };
  const parser = new TokenParser();
  parser.onValue = () => undefined;
  parser.onError = () => {
    if (state.broken < 0) state.broken = state.at;
  };
  const tokenizer = new Tokenizer();
  tokenizer.onToken = (token) => {
    if (state.broken >= 0) return;
    state.at = token.offset;
    state.depth += depthOf(token.token);
    if (state.depth <= MAX_DEPTH) parser.write(token);
    else state.broken = token.offset;
  };
  tokenizer.onError = ({ message }) => {
    if (state.broken < 0) state.broken = absolutePosition(message) ?? state.at;
  };
  for (let at = 0; at < bytes.length && state.broken < 0; at += SLICE_BYTES)
    tokenizer.write(bytes.subarray(at, at + SLICE_BYTES));
  const offset = state.broken < 0 ? text.length : bytes.subarray(0, state.broken).toString().length;
  return { offset, deep: state.depth > MAX_DEPTH };
}

/** How much deeper the token leads: 1, 0 or −1. */
export function depthOf(token: TokenType): number {
  if (token === TokenType.LEFT_BRACE || token === TokenType.LEFT_BRACKET) return 1;
  return token === TokenType.RIGHT_BRACE || token === TokenType.RIGHT_BRACKET ? -1 : 0;
}

/** What the tokenizer's message tells, in bytes of UTF-8 from the beginning of everything that was written to it. */
export function absolutePosition(message: string): number | null {
  const told = /absolute position "(\d+)"/.exec(message)?.[1];
  return told === undefined ? null : Number(told);
}
