/** What the columns of a file are: told by their headers, or by the payload. */
import type { BulkImportPayload, CellType } from "../../contract/bulk-import.ts";
import { shortened } from "../../contract/printable.ts";
import { whyNotStorable } from "../json/storable-json.ts";
import { isLanguageTag } from "../projects/project-folder.ts";
import { headerInvalid } from "./import-error.ts";

/** Where a column's values go. `wrong`: nowhere, because of what its header is. */
export type Target =
  | { kind: "ref" | "type" | "layer" | "visible" | "style" | "geometry" | "none" }
  | { kind: "label"; language: string | null }
  | { kind: "property"; name: string }
  | { kind: "wrong"; reason: string };

export interface Column {
  /** As people see it. */
  header: string;
  target: Target;
  type: CellType;
}

const OWN = new Set(["ref", "type", "layer", "visible", "style", "geometry"]);
const LABEL = /^label(?:[_:.-](.+))?$/i;
/** Headers that are looked up once only. */
const MAX_KNOWN = 10_000;
/** Characters of a property's name. */
const MAX_NAME = 200;

/** Without white space around and doubled within it, composed as everyone else has it. */
export const normalHeader = (header: string): string => header.normalize("NFC").replaceAll(/\s+/g, " ").trim();

export interface Columns {
  of(header: string): Column;
  /** Was a column named for the refs? Then nothing stands in for it: by another column, other overlays would be changed. */
  refIsNamed: boolean;
  /** Headers that the payload names and nobody has looked up yet, and where it does. */
  unseen(): { header: string; by: "ref_column" | "columns" }[];
}

/** Looks columns up by their headers, each once. */
export function createColumns({
  columns = {},
  ref_column,
}: Pick<BulkImportPayload, "columns" | "ref_column">): Columns {
  const said = new Map(Object.entries(columns).map(([header, target]) => [normalHeader(header), target]));
  const refColumn = ref_column === undefined ? null : normalHeader(ref_column);
  const known = new Map<string, Column>();
  const unseen = new Set([...(refColumn === null ? [] : [refColumn]), ...said.keys()]);
  const make = (given: string): Column => {
    const header = normalHeader(given);
    unseen.delete(header);
    if (header === refColumn) return { header, target: { kind: "ref" }, type: "text" };
    const wanted = said.get(header);
    if (wanted === null) return { header, target: { kind: "none" }, type: "auto" };
    const { to, type } = typeof wanted === "object" ? wanted : { to: wanted };
    const target = targetOf(to ?? header);
    // One column has the refs: the one that was named.
    if (target.kind === "ref" && refColumn !== null && to === undefined)
      return { header, target: { kind: "none" }, type: "auto" };
    return { header, target, type: type ?? naturalType(target) };
  };
  return {
    of(header) {
      const column = known.get(header) ?? make(header);
      // Records in JSON can each have names of their own, a million of them.
      if (known.size < MAX_KNOWN) known.set(header, column);
      return column;
    },
    refIsNamed: refColumn !== null,
    unseen: () => [...unseen].map((header) => ({ header, by: header === refColumn ? "ref_column" : "columns" })),
  };
}

/** `"Plott" (ref_column), "Prize" (columns)`; null for none. */
export function toldUnseen(columns: Columns): string | null {
  const unseen = columns.unseen();
  return unseen.length === 0
    ? null
    : unseen
        .slice(0, SHOWN_HEADERS)
        .map(({ header, by }) => `${told(header)} (${by})`)
        .join(", ");
}

function targetOf(name: string): Target {
  if (name === "") return { kind: "none" };
  const lower = name.toLowerCase();
  if (OWN.has(lower)) return { kind: lower as "ref" };
  const label = LABEL.exec(name);
  if (label) return labelOf(label[1]);
  const reason =
    whyNotStorable({ [name]: 1 }) ?? (name.length > MAX_NAME ? `it is longer than ${MAX_NAME} characters` : null);
  return reason === null ? { kind: "property", name } : { kind: "wrong", reason };
}

function labelOf(tag: string | undefined): Target {
  const language = tag?.replaceAll("_", "-") ?? null;
  if (language === null || isLanguageTag.test(language)) return { kind: "label", language };
  return { kind: "wrong", reason: `${told(tag ?? "")} is no language tag such as en or zh-Hant` };
}

function naturalType({ kind }: Target): CellType {
  if (kind === "visible") return "boolean";
  if (kind === "style" || kind === "geometry") return "json";
  return kind === "property" ? "auto" : "text";
}

/**
 * The columns of a table; `id` stands in for a ref that no column is called. A header that the payload names and the table does not have is
 * mistyped, and what it was to do would not be done: prices left out would be imported. Error: `import_header_invalid`.
 */
export function tableColumns(name: string, names: readonly string[], columns: Columns): Column[] {
  const found = names.map((header) => columns.of(header));
  const wrong = found.find(({ target }) => target.kind === "wrong");
  if (wrong?.target.kind === "wrong")
    throw headerInvalid(name, `the column ${told(wrong.header)}: ${wrong.target.reason}`);
  const unseen = toldUnseen(columns);
  if (unseen !== null) throw headerInvalid(name, `no column is called ${unseen}; there are ${shown(found)}`);
  const refs = found.filter(({ target }) => target.kind === "ref");
  const withRef = refs.length > 0 ? found : found.map((column) => (isId(column) ? asRef(column) : column));
  if (!withRef.some(({ target }) => target.kind === "ref"))
    throw headerInvalid(name, `no column is called ref or id; there are ${shown(found)}`);
  const twice = withRef.find((column, at) => withRef.slice(0, at).some((other) => goesWith(column, other)));
  if (twice) throw headerInvalid(name, `two columns go to ${told(twice.header)}`);
  return withRef;
}

const SHOWN_HEADERS = 20;
const MAX_TOLD = 100;
/** A header can be a whole row. */
const told = (header: string): string => JSON.stringify(shortened(header, MAX_TOLD));
const shown = (columns: readonly Column[]): string =>
  columns
    .slice(0, SHOWN_HEADERS)
    .map(({ header }) => told(header))
    .join(", ");

const isId = ({ target }: Column): boolean => target.kind === "property" && target.name.toLowerCase() === "id";

const asRef = ({ header }: Column): Column => ({ header, target: { kind: "ref" }, type: "text" });

/** To the same place. */
function goesWith(column: Column, other: Column): boolean {
  return column.target.kind !== "none" && JSON.stringify(column.target) === JSON.stringify(other.target);
}

/** The columns of one record in JSON; what its names say wrong is told of the row. */
export function recordColumns(names: readonly string[], columns: Columns): Column[] {
  const found = names.map((header) => columns.of(header));
  if (columns.refIsNamed || found.some(({ target }) => target.kind === "ref")) return found;
  return found.map((column) => (isId(column) ? asRef(column) : column));
}
