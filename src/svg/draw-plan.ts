/** The elements of a plan to layers and overlays. Nothing here follows a reference out of the file or runs a script. */
import { compose, fromDefinition, fromTransformAttribute, identity, type Matrix } from "transformation-matrix";
import { SPEAKS } from "./attribute-kinds.ts";
import { createCollection, type Collected } from "./collect.ts";
import { countShapes, findLayers, GROUPS, SHAPES } from "./layers.ts";
import { languageOf, UNDETERMINED } from "./labels.ts";
import { lengthOf, type Viewport } from "./lengths.ts";
import { MAX_DRAWN, MAX_USE_DEPTH } from "./limits.ts";
import { createStyleRules, INITIAL, paintOf, type Paint } from "./paint.ts";
import { PlanFault } from "./plan-fault.ts";
import type { Plan, PlanOptions } from "./plan.ts";
import type { SvgNode } from "./read-tree.ts";
import { fit, viewBoxOf } from "./viewport.ts";

/** What comes to an element from those around it. */
export interface Surroundings {
  matrix: Matrix;
  viewport: Viewport;
  paint: Paint;
  /** Ref of the layer, or null outside of all. */
  layer: string | null;
  /** Groups around it that hold this shape alone, `use` among them: what they say is said of it. From the outermost. */
  speakers: readonly SvgNode[];
  language: string;
  /** `use` elements around it, from the outermost. */
  uses: readonly SvgNode[];
  link: string | null;
}

/** Drawn by nobody where they stand, and nothing that is missed. */
const SILENT = new Set([
  ...[
    "",
    "defs",
    "symbol",
    "title",
    "desc",
    "metadata",
    "style",
    "linearGradient",
    "radialGradient",
    "pattern",
    "clipPath",
  ],
  ...[
    "mask",
    "marker",
    "filter",
    "view",
    "cursor",
    "color-profile",
    "font",
    "font-face",
    "solidcolor",
    "hatch",
    "mesh",
    "meshgradient",
  ],
  ...["animate", "animateColor", "animateMotion", "animateTransform", "set"],
]);
const MAX_TRANSFORMS = 1_000;

/** Errors: PlanFault. */
export function drawPlan(
  { root, byId }: Readonly<{ root: SvgNode; byId: ReadonlyMap<string, SvgNode> }>,
  options: PlanOptions = {},
): Plan {
  const rules = createStyleRules(styleTexts(root));
  const layers = findLayers(root);
  const collection: Collected = createCollection(options);
  const transforms = new Map<string, Matrix | null>();
  let drawn = 0;

  function draw(node: SvgNode, around: Surroundings): void {
    const { name, attributes } = node;
    if (SILENT.has(name)) return;
    if (++drawn > MAX_DRAWN)
      throw new PlanFault(
        "svg_too_complex",
        `it stands for more than ${MAX_DRAWN} elements, those of each use counted`,
        node,
      );
    if (name === "script") return collection.leaveOut(node, "svg_script_ignored", "scripts are not run");
    const isShape = SHAPES.has(name);
    if (!isShape && !GROUPS.has(name) && name !== "text")
      return collection.leaveOut(node, "svg_element_unsupported", WHY[name] ?? `<${name}> is no shape`, hrefOf(node));
    const matrix = matrixOf(node, around.matrix);
    if (!matrix) return;
    let paint = paintOf(node, around.paint, rules);
    const { displayed } = paint;
    const layer = layers.has(node) ? collection.layer(node, displayed) : around.layer;
    if (!displayed && !layers.has(node)) paint = { ...paint, visible: false };
    const language = node.kinds & SPEAKS ? languageOf(attributes, around.language) : around.language;
    const inside: Surroundings = { ...around, matrix, paint, layer, language };
    if (name === "text") return collection.text(node, inside);
    if (name === "use") return drawUse(node, inside);
    if (isShape) return collection.shape(node, inside);
    if (name === "a") inside.link = hrefOf(node) ?? around.link;
    if (name === "svg") enterViewport(node, inside);
    // A layer says nothing of its shapes, even of an only one.
    if (!layers.has(node) && node.parent && countShapes(node, 2) === 1) inside.speakers = [...around.speakers, node];
    const children =
      name === "switch" ? node.children.filter((child) => child.name !== "foreignObject") : node.children;
    for (const child of children) draw(child, inside);
  }

  /** Null for a transform that cannot be read: what is below it would be in a wrong place. */
  function matrixOf(node: SvgNode, around: Matrix): Matrix | null {
    const text = node.attributes["transform"];
    if (text === undefined || text.trim() === "" || text.trim() === "none") return around;
    const known = transforms.get(text);
    const own = known === undefined ? readTransform(text) : known;
    if (transforms.size < MAX_TRANSFORMS) transforms.set(text, own);
    if (own) return compose(around, own);
    collection.leaveOut(node, "svg_transform_invalid", "its transform cannot be read", text);
    return null;
  }

  function drawUse(node: SvgNode, inside: Surroundings): void {
    const href = hrefOf(node);
    if (href === null) return collection.leaveOut(node, "svg_reference_unknown", "it has no href");
    if (!href.startsWith("#"))
      return collection.leaveOut(
        node,
        "svg_reference_external",
        "it refers to something outside of the plan, which is not followed",
        href,
      );
    const target = byId.get(href.slice(1));
    if (!target)
      return collection.leaveOut(node, "svg_reference_unknown", "the plan has no element with that id", href);
    if (isAround(target, node) || inside.uses.includes(node) || inside.uses.length >= MAX_USE_DEPTH)
      return collection.leaveOut(node, "svg_reference_circular", "what it refers to holds it", href);
    const { width, height } = inside.viewport;
    const x = collection.length(node, "x", width) ?? 0;
    const y = collection.length(node, "y", height) ?? 0;
    const moved = compose(inside.matrix, { a: 1, b: 0, c: 0, d: 1, e: x, f: y });
    const single = SHAPES.has(target.name) || countShapes(target, 2) === 1;
    const speakers = single ? [...inside.speakers, node] : [];
    const there: Surroundings = { ...inside, matrix: moved, uses: [...inside.uses, node], speakers };
    if (target.name !== "symbol") return draw(target, there);
    const paint = paintOf(target, inside.paint, rules);
    const symbol: SvgNode = { ...target, attributes: { ...target.attributes, ...sizeOf(node) } };
    enterViewport(symbol, there);
    for (const child of target.children) draw(child, { ...there, paint });
  }

  /** Sets `inside` to the coordinates within an `<svg>` or `<symbol>`. */
  function enterViewport(node: SvgNode, inside: Surroundings): void {
    const { attributes, parent } = node;
    const isRoot = parent === null;
    const box = viewBoxOf(attributes);
    const { width, height } = sizesOf(node, inside.viewport, box);
    const place = { x: 0, y: 0, width, height };
    if (!isRoot && node.name === "svg") {
      place.x = collection.length(node, "x", inside.viewport.width) ?? 0;
      place.y = collection.length(node, "y", inside.viewport.height) ?? 0;
    }
    const scaled = isRoot && options.size ? { x: 0, y: 0, ...options.size } : place;
    const whole = box ?? { x: 0, y: 0, width, height };
    if (box || scaled !== place)
      inside.matrix = compose(inside.matrix, fit(whole, scaled, attributes["preserveAspectRatio"]));
    else if (place.x !== 0 || place.y !== 0)
      inside.matrix = compose(inside.matrix, { a: 1, b: 0, c: 0, d: 1, e: place.x, f: place.y });
    inside.viewport = { width: whole.width, height: whole.height };
  }

  function sizesOf(node: SvgNode, around: Viewport, box: Viewport | null): Viewport {
    const isRoot = node.parent === null;
    const full = isRoot ? (box ?? options.size ?? DEFAULT) : around;
    let width = collection.length(node, "width", full.width);
    let height = collection.length(node, "height", full.height);
    // One of them alone keeps the shape of the viewBox, as browsers do it.
    if (isRoot && box && width !== null && height === null) height = (width * box.height) / box.width;
    if (isRoot && box && height !== null && width === null) width = (height * box.width) / box.height;
    width = width !== null && width > 0 ? width : full.width;
    height = height !== null && height > 0 ? height : full.height;
    return { width, height };
  }

  const start: Surroundings = {
    ...{ matrix: identity(), viewport: DEFAULT, paint: INITIAL, layer: null, speakers: [], language: UNDETERMINED },
    ...{ uses: [], link: null },
  };
  for (const text of styleTexts(root))
    if (/@import/.test(text))
      collection.leaveOut(root, "svg_reference_external", "a style sheet outside of the plan is not loaded");
  draw(root, start);
  const box = viewBoxOf(root.attributes);
  const says = box !== null || root.attributes["width"] !== undefined;
  return collection.end(options.size ?? (says ? sizesOf(root, DEFAULT, box) : null));
}

/** What browsers take where nothing is said. */
const DEFAULT: Viewport = { width: 300, height: 150 };

const WHY: Readonly<Record<string, string>> = {
  image: "a picture inside of a plan is no shape; give the version a picture of its own",
  foreignObject: "HTML inside of a plan is not read",
  textPath: "text along a path is not read",
};

function readTransform(text: string): Matrix | null {
  if (text.length > 10_000) return null;
  try {
    const matrix = compose(fromDefinition(fromTransformAttribute(text)));
    return Object.values(matrix).every(Number.isFinite) ? matrix : null;
  } catch {
    return null;
  }
}

const hrefOf = ({ attributes }: SvgNode): string | null =>
  (attributes["href"] ?? attributes["xlink:href"])?.trim() ?? null;

/** `width` and `height` of a `use` go before those of the symbol. */
function sizeOf({ attributes: { width, height } }: SvgNode): Record<string, string> {
  const size: Record<string, string> = {};
  if (lengthOf(width, 1) !== null) size["width"] = width ?? "";
  if (lengthOf(height, 1) !== null) size["height"] = height ?? "";
  return size;
}

function isAround(outer: SvgNode, inner: SvgNode): boolean {
  for (let at: SvgNode | null = inner; at; at = at.parent) if (at === outer) return true;
  return false;
}

function styleTexts(root: SvgNode): string[] {
  const texts: string[] = [];
  const look = (node: SvgNode): void => {
    if (node.name === "style") texts.push(node.text);
    else for (const child of node.children) look(child);
  };
  look(root);
  return texts;
}
