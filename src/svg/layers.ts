/** Which groups of a plan are its layers. */
import { oneLine, refOf } from "./names.ts";
import type { SvgNode } from "./read-tree.ts";

export const SHAPES: ReadonlySet<string> = new Set([
  ...["path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "use"],
]);
/** Elements whose children are drawn where they stand. */
export const GROUPS: ReadonlySet<string> = new Set(["g", "a", "switch", "svg"]);

/** How many shapes a group holds, up to `enough`. */
export function countShapes(node: SvgNode, enough: number): number {
  let count = 0;
  for (const child of node.children) {
    if (SHAPES.has(child.name)) count += 1;
    else if (GROUPS.has(child.name)) count += countShapes(child, enough - count);
    if (count >= enough) break;
  }
  return count;
}

/**
 * Inkscape says which groups are layers. Elsewhere they are the outermost groups that hold more than one shape, within the one group or
 * frame that may hold all of them (Figma, Sketch).
 */
export function findLayers(root: SvgNode): ReadonlySet<SvgNode> {
  const said = new Set<SvgNode>();
  addSaidLayers(root, said);
  if (said.size > 0) return said;
  let at = root;
  for (;;) {
    const drawn = at.children.filter(({ name }) => SHAPES.has(name) || GROUPS.has(name) || name === "text");
    const [only] = drawn;
    const holdsGroups = only?.children.some((child) => child.name === "g" && countShapes(child, 2) > 1);
    if (drawn.length !== 1 || !only || !GROUPS.has(only.name) || !holdsGroups) break;
    at = only;
  }
  return new Set(at.children.filter((each) => each.name === "g" && nameOf(each) !== "" && countShapes(each, 2) > 1));
}

function addSaidLayers(node: SvgNode, found: Set<SvgNode>): void {
  for (const child of node.children) {
    if (!GROUPS.has(child.name)) continue;
    if (child.attributes["inkscape:groupmode"] === "layer" && child.name === "g") found.add(child);
    addSaidLayers(child, found);
  }
}

/** What people call the layer. */
export function nameOf({ attributes }: SvgNode): string {
  return refOf(attributes["inkscape:label"] ?? attributes["data-name"] ?? oneLine(attributes["id"] ?? ""));
}
