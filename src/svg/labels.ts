/** Labels and properties, out of what an element says of itself. */
import { SAYS } from "./attribute-kinds.ts";
import { oneLine } from "./names.ts";
import type { SvgNode } from "./read-tree.ts";

/** Text by language tag; `und` where none was said. */
export type Label = Record<string, string>;

const LANGUAGE_TAG = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/;
/** `data-label-ar`, `data-label_ar`, `label_ar`. */
const LABEL_ATTRIBUTE = /^(?:data-label[-_]|label_)([A-Za-z0-9_-]{2,35})$/;
/** Attributes that say something else than a property. */
const OWN = new Set(["data-ref", "data-type", "data-label", "data-name"]);
const UNDETERMINED = "und";

/** The language that an element says for itself and what it holds. */
export function languageOf(attributes: Record<string, string>, around: string): string {
  const said = attributes["xml:lang"] ?? attributes["lang"];
  return said !== undefined && LANGUAGE_TAG.test(said) ? said : around;
}

export interface Said {
  label: Label;
  properties: Record<string, unknown>;
  type: string | null;
}

/** What the element says by attributes, `<title>` and `<desc>`. `language`: of texts that say none. */
export function saidBy({ attributes, kinds, children }: SvgNode, language: string): Said {
  if (children.length === 0 && !(kinds & SAYS)) return { label: {}, properties: {}, type: null };
  const label: Label = {};
  const properties: Record<string, unknown> = {};
  let type: string | null = null;
  const name = (text: string | undefined, tag = language): void => {
    const line = text === undefined ? "" : oneLine(text);
    if (line !== "" && !Object.hasOwn(label, tag)) label[tag] = line;
  };
  for (const key in attributes) {
    // Almost all attributes are others: looked at by their first letter.
    const first = key.charCodeAt(0);
    if (first !== 100 && first !== 108) continue;
    const tag = LABEL_ATTRIBUTE.exec(key)?.[1]?.replaceAll("_", "-");
    if (tag !== undefined && LANGUAGE_TAG.test(tag)) name(attributes[key], tag);
    else if (key.startsWith("data-") && key.length > 5 && !OWN.has(key)) {
      const property = oneLine(key.slice(5)).replaceAll("-", "_");
      if (property !== "__proto__") properties[property] = valueOf(attributes[key] ?? "");
    }
  }
  if (attributes["data-type"] !== undefined) type = oneLine(attributes["data-type"]).slice(0, 200) || null;
  name(attributes["data-label"]);
  name(attributes["aria-label"]);
  for (const child of children) {
    if (child.name === "title") name(child.text, languageOf(child.attributes, language));
    if (child.name !== "desc") continue;
    const text = oneLine(child.text);
    if (text !== "") properties["description"] = text;
  }
  // Illustrator keeps the name of what has another id there.
  name(attributes["data-name"]);
  name(attributes["inkscape:label"]);
  return { label, properties, type };
}

const NUMBER = /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,10})?$/;

/** A number where it is written as one: `1200`, not `017`, which is a name. */
function valueOf(text: string): string | number {
  if (NUMBER.test(text)) return Number(text);
  return text.toWellFormed().replaceAll("\0", "");
}

/** `more` where `label` says nothing. */
export function addLabel(label: Label, more: Label): void {
  for (const [tag, text] of Object.entries(more)) if (!Object.hasOwn(label, tag)) label[tag] = text;
}

export { UNDETERMINED };
