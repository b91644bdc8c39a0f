/** What of its style decides how an element is imported: is it shown, is its inside painted, in which colours. */
import { PAINTS } from "./attribute-kinds.ts";
import { lengthOf } from "./lengths.ts";
import type { SvgNode } from "./read-tree.ts";

/** As `display`, `fill-rule` and the like come to an element from those around it. */
export interface Paint {
  fill: string;
  stroke: string;
  rule: "nonzero" | "evenodd";
  visible: boolean;
  /** Of the element itself, and not of those in it. */
  displayed: boolean;
  opacity: number;
  /** Of the stroke. */
  width: string | null;
  /** Of text, in the user's units. */
  fontSize: number;
  anchor: string;
}

export const INITIAL: Paint = {
  fill: "",
  stroke: "",
  rule: "nonzero",
  visible: true,
  displayed: true,
  opacity: 1,
  width: null,
  fontSize: 16,
  anchor: "start",
};

type Declarations = Record<string, string>;

/** Rules of `<style>` elements with simple selectors, which is all that drawing programs write: `.st0`, `#plot`, `path`, `path.st0`. */
export interface StyleRules {
  of(node: SvgNode): readonly Declarations[];
  /** There is none. */
  isEmpty: boolean;
}

const RULE = /([^{}]+)\{([^{}]*)\}/g;
const SELECTOR = /^(?:([a-zA-Z]+)?\.([\w-]+)|#([\w-]+)|([a-zA-Z]+))$/;

export function createStyleRules(texts: readonly string[]): StyleRules {
  const [byClass, byId, byName] = [
    new Map<string, Declarations>(),
    new Map<string, Declarations>(),
    new Map<string, Declarations>(),
  ];
  for (const text of texts) {
    for (const [, selectors = "", body = ""] of text.replaceAll(/\/\*[\s\S]*?\*\//g, "").matchAll(RULE)) {
      const declared = declarationsOf(body);
      for (const selector of selectors.split(",")) {
        const [, , style, id, name] = SELECTOR.exec(selector.trim()) ?? [];
        const [map, key] = style ? [byClass, style] : id ? [byId, id] : [byName, name];
        if (key) map.set(key, { ...map.get(key), ...declared });
      }
    }
  }
  return {
    isEmpty: byClass.size + byId.size + byName.size === 0,
    of({ name, attributes }) {
      const found: Declarations[] = [];
      const push = (declared: Declarations | undefined): void => void (declared && found.push(declared));
      if (byName.size > 0) push(byName.get(name));
      const classes = byClass.size > 0 ? attributes["class"] : undefined;
      if (classes !== undefined) for (const each of classes.split(/\s+/)) push(byClass.get(each));
      if (byId.size > 0 && attributes["id"] !== undefined) push(byId.get(attributes["id"]));
      return found;
    },
  };
}

const known = new Map<string, Declarations>();
const MAX_KNOWN = 1_000;

/** Drawing programs write few different styles, each thousands of times. */
function declarationsOf(text: string): Declarations {
  const before = known.get(text);
  if (before) return before;
  const declared: Declarations = {};
  for (const each of text.split(";")) {
    const colon = each.indexOf(":");
    if (colon > 0)
      declared[each.slice(0, colon).trim()] = each
        .slice(colon + 1)
        .replace(/!important\s*$/, "")
        .trim();
  }
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(text, declared);
  return declared;
}

/** By that of the element around, then by `style`: most elements of a group are painted alike. */
const painted = new WeakMap<Paint, Map<string, Paint>>();

/** `around`: of the element that it is in. Never to be changed: others have the same. */
export function paintOf(node: SvgNode, around: Paint, rules: StyleRules): Paint {
  if (!rules.isEmpty || node.kinds & PAINTS) return mixed(node, around, rules);
  const style = node.attributes["style"] ?? "";
  let alike = painted.get(around);
  if (!alike) painted.set(around, (alike = new Map()));
  let paint = alike.get(style);
  if (!paint) {
    paint = mixed(node, around, rules);
    if (alike.size < MAX_KNOWN) alike.set(style, paint);
  }
  return paint;
}

function mixed(node: SvgNode, around: Paint, rules: StyleRules): Paint {
  const { attributes, kinds } = node;
  const paint = { ...around, displayed: true };
  if (kinds & PAINTS) apply(attributes);
  for (const declared of rules.of(node)) apply(declared);
  if (attributes["style"] !== undefined) apply(declarationsOf(attributes["style"]));
  return paint;

  function apply(from: Declarations): void {
    const { fill, stroke, visibility, opacity } = from;
    if (fill !== undefined && fill !== "inherit") paint.fill = fill;
    if (stroke !== undefined && stroke !== "inherit") paint.stroke = stroke;
    const rule = from["fill-rule"];
    if (rule === "evenodd" || rule === "nonzero") paint.rule = rule;
    if (from["display"] === "none") paint.displayed = false;
    if (visibility !== undefined && visibility !== "inherit") paint.visible = visibility === "visible";
    if (from["stroke-width"] !== undefined) paint.width = from["stroke-width"];
    if (from["text-anchor"] !== undefined) paint.anchor = from["text-anchor"];
    const size =
      from["font-size"] === undefined ? Number.NaN : (lengthOf(from["font-size"], around.fontSize) ?? Number.NaN);
    if (size > 0) paint.fontSize = size;
    const share = opacity === undefined ? Number.NaN : Number(opacity);
    if (share >= 0 && share <= 1) paint.opacity = around.opacity * share;
  }
}

/** Colours only: `url(#gradient)` is the plan's own business. */
const COLOUR = /^(#[0-9a-f]{3,8}|[a-z]{3,30}|(?:rgb|hsl)a?\([\d\s,.%/]{1,40}\))$/i;

type Style = Readonly<Record<string, string | number>>;
const styles = new WeakMap<Paint, { style: Style | null }>();

/** What viewers know of it, or null for nothing. */
export function styleOf(paint: Paint): Style | null {
  let known = styles.get(paint);
  if (!known) styles.set(paint, (known = { style: styleFrom(paint) }));
  return known.style;
}

function styleFrom({ fill, stroke, opacity, width }: Paint): Style | null {
  const style: Record<string, string | number> = {};
  if (COLOUR.test(fill) && fill !== "none") style["fill"] = fill;
  if (opacity < 1) style["opacity"] = opacity;
  if (COLOUR.test(stroke) && stroke !== "none") {
    style["stroke"] = stroke;
    const thick = width === null ? Number.NaN : Number.parseFloat(width);
    if (Number.isFinite(thick)) style["width"] = thick;
  }
  return Object.keys(style).length > 0 ? style : null;
}
