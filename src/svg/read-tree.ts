/**
 * The elements of a plan, out of text that comes in pieces. Nothing is fetched, nothing is run, and no entity is expanded but the five of
 * XML and namespaces that a DOCTYPE abbreviates (Illustrator).
 */
import { SaxesParser } from "saxes";
import { kindsOf } from "./attribute-kinds.ts";
import * as limits from "./limits.ts";
import { PlanFault } from "./plan-fault.ts";

export interface SvgNode {
  /** Local name; "" for what is of no SVG namespace: it is passed over with all that it holds. */
  name: string;
  attributes: Record<string, string>;
  /** What is among its attributes: bits of `attribute-kinds.ts`. */
  kinds: number;
  children: SvgNode[];
  parent: SvgNode | null;
  /** Characters in the element itself and in what it holds, in reading order; only of elements that hold text. */
  text: string;
  /** Of its `<`, from 1. */
  line: number;
  column: number;
}

export interface TreeReader {
  /** Errors: PlanFault. */
  write(text: string): void;
  /** The root, and every element by its id: the first where several have one. Errors: PlanFault. */
  end(): { root: SvgNode; byId: ReadonlyMap<string, SvgNode>; elements: number };
}

const SVG = "http://www.w3.org/2000/svg";
/** Elements whose characters mean something to us. */
const WITH_TEXT = new Set(["text", "tspan", "textPath", "title", "desc", "style", "a", "tref"]);
const FOREIGN = "";

export function createTreeReader(): TreeReader {
  const parser = new SaxesParser({ xmlns: false });
  const byId = new Map<string, SvgNode>();
  let root: SvgNode | null = null;
  let open: SvgNode | null = null;
  let begun = false;
  let depth = 0;
  let elements = 0;
  let began = 0;
  let tag = { line: 1, column: 1 };
  /** Prefixes that the root binds to SVG; `""` where SVG is the default namespace. */
  let prefixes = new Set([""]);
  const here = () => ({ line: parser.line, column: Math.max(1, parser.column) });
  const refuse = (reason: string) => {
    throw new PlanFault("svg_too_complex", reason, here());
  };

  parser.on("error", (error) => {
    throw new PlanFault("svg_invalid", error.message.replace(/^\d+:\d+: /, ""), here());
  });
  parser.on("doctype", (text) => {
    for (const [name, value] of namespacesOf(text)) parser.ENTITIES[name] = value;
  });
  parser.on("opentagstart", ({ name }) => {
    // The character behind the name has been read.
    began = parser.position;
    tag = { line: parser.line, column: Math.max(1, parser.column - name.length - 1) };
    if (++depth > limits.MAX_DEPTH) refuse(`more than ${limits.MAX_DEPTH} elements are open within each other`);
    if (++elements > limits.MAX_ELEMENTS) refuse(`it has more than ${limits.MAX_ELEMENTS} elements`);
  });
  parser.on("opentag", (read) => {
    // Not as each is read: a listener for attributes costs as much as all else that saxes does; and few tags are long enough to ask.
    if (parser.position - began > limits.MAX_ATTRIBUTES) checkAttributes(read.attributes, refuse);
    if (!root) prefixes = svgPrefixes(read.name, read.attributes);
    const colon = read.name.indexOf(":");
    const isSvg = prefixes.has(colon < 0 ? "" : read.name.slice(0, colon)) && !isRebound(read.attributes, prefixes);
    const name = isSvg && open?.name !== FOREIGN ? read.name.slice(colon + 1) : FOREIGN;
    const { attributes } = read;
    const kinds = kindsOf(attributes);
    const { line, column } = tag;
    const node: SvgNode = { name, attributes, kinds, children: [], parent: open, text: "", line, column };
    const { id } = attributes;
    if (id !== undefined && name !== FOREIGN && !byId.has(id)) byId.set(id, node);
    if (open) open.children.push(node);
    else root = node;
    open = node;
  });
  parser.on("closetag", () => {
    depth -= 1;
    const closed = open as SvgNode;
    open = closed.parent;
    // What the parts of a text say, its whole says.
    if (open && closed.text !== "" && WITH_TEXT.has(open.name) && (closed.name === "tspan" || closed.name === "a"))
      open.text += ` ${closed.text} `;
  });
  const addText = (text: string): void => {
    if (!open || !WITH_TEXT.has(open.name)) return;
    if (open.text.length + text.length > limits.MAX_TEXT_LENGTH)
      refuse(`the text of <${open.name}> is longer than ${limits.MAX_TEXT_LENGTH} characters`);
    open.text += text;
  };
  parser.on("text", addText);
  parser.on("cdata", addText);

  return {
    write(text) {
      if (text === "") return;
      begun = true;
      parser.write(text);
    },
    end() {
      if (!begun) throw new PlanFault("svg_invalid", "it is empty", { line: 1, column: 1 });
      parser.close();
      if (!root) throw new PlanFault("svg_invalid", "it has no element", here());
      return { root, byId, elements };
    },
  };
}

function checkAttributes(attributes: Record<string, string>, refuse: (reason: string) => void): void {
  let count = 0;
  for (const name in attributes) {
    count += 1;
    if ((attributes[name] ?? "").length > limits.MAX_ATTRIBUTE_LENGTH)
      refuse(`the attribute ${name.slice(0, 100)} is longer than ${limits.MAX_ATTRIBUTE_LENGTH} characters`);
  }
  if (count > limits.MAX_ATTRIBUTES) refuse(`an element has more than ${limits.MAX_ATTRIBUTES} attributes`);
}

/** Error: PlanFault, if the root is no `<svg>`. */
function svgPrefixes(name: string, attributes: Record<string, string>): Set<string> {
  const found = new Set<string>();
  for (const [key, value] of Object.entries(attributes)) {
    if (value.trim() !== SVG) continue;
    if (key === "xmlns") found.add("");
    else if (key.startsWith("xmlns:")) found.add(key.slice("xmlns:".length));
  }
  // Without any namespace: what people cut out of web pages.
  if (found.size === 0 && attributes["xmlns"] === undefined) found.add("");
  const colon = name.indexOf(":");
  if (!found.has(colon < 0 ? "" : name.slice(0, colon)) || name.slice(colon + 1) !== "svg")
    throw new PlanFault("svg_invalid", `its root is <${name}> and not <svg xmlns="${SVG}">`, { line: 1, column: 1 });
  return found;
}

/** An element that says another default namespace for itself and what it holds, such as XHTML. */
const isRebound = (attributes: Record<string, string>, prefixes: ReadonlySet<string>): boolean =>
  prefixes.has("") &&
  attributes["xmlns"] !== undefined &&
  attributes["xmlns"] !== "" &&
  attributes["xmlns"].trim() !== SVG;

const ENTITY = /<!ENTITY\s+([A-Za-z_][\w.-]*)\s+(?:"([^"%&<]*)"|'([^'%&<]*)')\s*>/g;

/** Plain short texts only: an entity that names another one is what grows without bound, and stays undefined. */
function* namespacesOf(doctype: string): Generator<[string, string]> {
  let count = 0;
  for (const [, name = "", double, single] of doctype.matchAll(ENTITY)) {
    const value = double ?? single ?? "";
    if (value.length <= limits.MAX_ENTITY_LENGTH && ++count <= limits.MAX_ENTITIES) yield [name, value];
  }
}
