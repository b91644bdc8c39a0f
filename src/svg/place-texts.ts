/** Texts of a plan to the shapes that they name: those around them, else those beside them. All in thousandths of a pixel. */
import Flatbush from "flatbush";
import { addLabel, type Label } from "./labels.ts";
import { boxOf, distanceTo, sideOf, type Box, type PlanGeometry, type Points } from "./rings.ts";
import type { SvgNode } from "./read-tree.ts";

export interface PlacedText {
  label: Label;
  /** Middle of the text, about: nothing here knows its font. */
  at: readonly [x: number, y: number];
  /** Height of its letters. */
  size: number;
  /** The group that holds this text and one shape, if there is such a one. */
  group: SvgNode | null;
}

export interface Labelled {
  geometry: PlanGeometry;
  label: Label;
  group: SvgNode | null;
}

/** Lines of text in one shape. More are no label of it: the outline of a site holds the names of all that is in it. */
const MAX_LINES = 3;
/** A text beside a shape is no farther from it than so many times its height. */
const NEAR = 1.5;
const LOOKED_AT = 8;

/** Labels shapes; answers the texts that are nobody's. */
export function placeTexts(texts: readonly PlacedText[], shapes: readonly Labelled[]): PlacedText[] {
  if (texts.length === 0 || shapes.length === 0) return [...texts];
  const byGroup = new Map<SvgNode, Labelled>();
  const index = new Flatbush(shapes.length);
  const boxes = shapes.map(({ geometry, group }, at) => {
    const box = boxOf(outlinesOf(geometry));
    index.add(box[0], box[1], box[2], box[3]);
    const shape = shapes[at];
    if (group && shape) byGroup.set(group, shape);
    return box;
  });
  index.finish();
  const found = new Map<Labelled, PlacedText[]>();
  const free: PlacedText[] = [];
  for (const text of texts) {
    const shape =
      (text.group && byGroup.get(text.group)) ?? around(text, shapes, boxes, index) ?? beside(text, shapes, index);
    if (!shape) free.push(text);
    else if (found.has(shape)) found.get(shape)?.push(text);
    else found.set(shape, [text]);
  }
  for (const [shape, lines] of found) {
    const label = joined(lines);
    if (label) addLabel(shape.label, label);
    else free.push(...lines);
  }
  return free;
}

/** The texts of one shape, by language; null where they are too many to be its name. */
function joined(texts: readonly PlacedText[]): Label | null {
  const lines: Record<string, string[]> = {};
  for (const { label } of texts) for (const [tag, text] of Object.entries(label)) (lines[tag] ??= []).push(text);
  if (Object.values(lines).some((each) => each.length > MAX_LINES)) return null;
  return Object.fromEntries(Object.entries(lines).map(([tag, each]) => [tag, each.join(" ")]));
}

/** The smallest area that the text lies in. */
function around(
  { at: [x, y] }: PlacedText,
  shapes: readonly Labelled[],
  boxes: readonly Box[],
  index: Flatbush,
): Labelled | null {
  let best: Labelled | null = null;
  let least = Infinity;
  for (const each of index.search(x, y, x, y)) {
    const shape = shapes[each];
    const box = boxes[each];
    const size = box ? (box[2] - box[0]) * (box[3] - box[1]) : 0;
    if (!shape || size >= least || !isIn(shape.geometry, x, y)) continue;
    best = shape;
    least = size;
  }
  return best;
}

function isIn(geometry: PlanGeometry, x: number, y: number): boolean {
  const inPolygon = ([shell, ...holes]: Points[]): boolean =>
    shell !== undefined && sideOf(shell, x, y) > 0 && holes.every((hole) => sideOf(hole, x, y) < 0);
  return "polygons" in geometry && geometry.polygons.some(inPolygon);
}

/** The nearest shape that has no label yet. */
function beside({ at: [x, y], size }: PlacedText, shapes: readonly Labelled[], index: Flatbush): Labelled | null {
  let best: Labelled | null = null;
  let least = size * NEAR;
  for (const each of index.neighbors(x, y, LOOKED_AT, least)) {
    const shape = shapes[each];
    if (!shape || Object.keys(shape.label).length > 0) continue;
    const far = Math.min(...outlinesOf(shape.geometry).map((line) => distanceTo(line, x, y)));
    if (far > least) continue;
    best = shape;
    least = far;
  }
  return best;
}

/** Lines, and shells without their holes. */
function outlinesOf(geometry: PlanGeometry): readonly Points[] {
  if (geometry.type === "Point") return [geometry.point];
  if ("lines" in geometry) return geometry.lines;
  return geometry.polygons.map(([shell]) => shell!);
}
