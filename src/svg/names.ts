/** What drawing programs call things, as refs and labels. */
import { MAX_REF } from "./limits.ts";
import type { SvgNode } from "./read-tree.ts";

/** Ids that programs make up, and people never see: `path1234-5`, `g17`, `SVGID_1_`. */
const MADE_UP =
  /^(?:path|rect|polygon|polyline|circle|ellipse|line|g|use|text|tspan|svg|layer|shape|XMLID_|SVGID_)[-_]?\d+(?:[-_.]\d+)*_?$/i;

export const isMadeUp = (id: string): boolean => MADE_UP.test(id);

// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]+/g;

const PLAIN = /^[!-~]+(?: [!-~]+)*$/;

/** One line of text: control characters and runs of white space become one space. */
export const oneLine = (text: string): string =>
  // Most texts are such already.
  PLAIN.test(text) ? text : text.toWellFormed().replace(CONTROLS, " ").replace(/\s+/g, " ").trim();

/** Illustrator writes what no id may hold by its number: `Plot_x0020_17`. */
const decoded = (id: string): string =>
  id.includes("_x")
    ? id.replace(/_x([0-9A-F]{2,5})_/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
    : id;

/** A valid ref out of an id; "" where nothing is left. Not unique yet. */
export const refOf = (id: string): string => shortened(oneLine(decoded(id)), MAX_REF);

const shortened = (text: string, length: number): string =>
  // Without the first half of a pair that is cut in two.
  text.length <= length ? text : text.slice(0, length).replace(/[\ud800-\udbff]$/, "");

/** Characters for a number behind a ref. */
const ROOM = 10;

/** The id that people have given, if any; `data-ref` goes before it. */
export function idOf({ attributes }: SvgNode): string | null {
  const id = attributes["data-ref"] ?? attributes["id"];
  return id === undefined || id.trim() === "" ? null : id;
}

export interface Naming {
  /** `wanted`, or with a number behind it where it is taken. */
  unique(wanted: string): string;
  /** `water-path-3`: the third path without a name in that layer. */
  generated(layer: string | null, element: string): string;
}

export function createNaming(): Naming {
  const taken = new Set<string>();
  const numbers = new Map<string, number>();
  const next = (key: string): number => {
    const number = (numbers.get(key) ?? 0) + 1;
    numbers.set(key, number);
    return number;
  };
  const unique = (wanted: string): string => {
    let ref = wanted;
    while (taken.has(ref)) ref = `${shortened(wanted, MAX_REF - ROOM)}-${next(`ref ${wanted}`) + 1}`;
    taken.add(ref);
    return ref;
  };
  return {
    unique,
    generated(layer, element) {
      const base = refOf(layer === null ? element : `${layer}-${element}`);
      return unique(`${shortened(base, MAX_REF - ROOM)}-${next(`new ${base}`)}`);
    },
  };
}
