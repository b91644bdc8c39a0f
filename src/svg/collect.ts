/** What has been drawn of a plan, on its way to overlays: shapes, texts, and what was left out. */
import { applyToPoint } from "transformation-matrix";
import { SCRIPTS } from "./attribute-kinds.ts";
import { BASIC_SHAPES } from "./basic-shapes.ts";
import type { Surroundings } from "./draw-plan.ts";
import { labelPosition } from "./label-position.ts";
import { addLabel, languageOf, saidBy } from "./labels.ts";
import { nameOf } from "./layers.ts";
import { lengthOf, numbersOf } from "./lengths.ts";
import { DECIMALS, MAX_COORDINATE, MAX_LAYERS, MAX_POINTS } from "./limits.ts";
import { createNaming, idOf, isMadeUp, oneLine, refOf } from "./names.ts";
import { createOutline } from "./outline.ts";
import { styleOf } from "./paint.ts";
import { scanPath } from "./path-scanner.ts";
import { placeTexts, type PlacedText } from "./place-texts.ts";
import { LAYERS_TOO_MANY, PlanFault, type LeftOut, type LeftOutCode, type Origin } from "./plan-fault.ts";
import type { Plan, PlanLayer, PlanOptions, PlanOverlay, Renamed } from "./plan.ts";
import { pixels, printGeometry } from "./print-geometry.ts";
import type { SvgNode } from "./read-tree.ts";
import { geometryOf, type PlanGeometry } from "./rings.ts";

export interface Collected {
  leaveOut(node: SvgNode, code: LeftOutCode, reason: string, value?: string | null): void;
  /** Ref of the layer that the group is. */
  layer(node: SvgNode, visible: boolean): string | null;
  shape(node: SvgNode, around: Surroundings): void;
  text(node: SvgNode, around: Surroundings): void;
  /** An attribute's length; null for none, and for one that cannot be read, which is told. */
  length(node: SvgNode, attribute: string, of: number): number | null;
  end(size: Plan["size"]): Plan;
}

/** Told one by one; further ones are counted. */
const MAX_LEFT_OUT = 100_000;
const MAX_VALUE = 100;

interface Shape extends Omit<PlanOverlay, "geometry"> {
  geometry: PlanGeometry;
  group: SvgNode | null;
}

export function createCollection(options: PlanOptions): Collected {
  const naming = createNaming();
  const layers = new Map<SvgNode, PlanLayer | null>();
  const layerNames = createNaming();
  const shapes: Shape[] = [];
  const texts: (PlacedText & { node: SvgNode; layer: string | null; visible: boolean })[] = [];
  const leftOut: LeftOut[] = [];
  const renamed: Renamed[] = [];
  const outline = createOutline();
  let leftOutCount = 0;
  let generated = 0;
  let points = 0;
  const kind = options.type ?? "overlay";

  const leaveOut: Collected["leaveOut"] = (node, code, reason, value = null) => {
    leftOutCount += 1;
    if (leftOut.length >= MAX_LEFT_OUT) return;
    leftOut.push({ code, ...originOf(node), reason, ...(value === null ? {} : { value: cut(value) }) });
  };

  /** The ref of an overlay, and how it came about. */
  function name(node: SvgNode, { speakers, uses, layer }: Surroundings): string {
    const id = speakers.length + uses.length === 0 ? idOf(node) : idAmong(node, speakers, uses);
    const wanted = id === null ? "" : refOf(id);
    if (wanted === "" || id === null) {
      generated += 1;
      return naming.generated(layer, node.name);
    }
    const ref = naming.unique(wanted);
    if (ref !== id) renamed.push({ from: cut(id), to: ref });
    return ref;
  }

  /** Of a shape that groups or uses speak for. */
  function idAmong(node: SvgNode, speakers: readonly SvgNode[], uses: readonly SvgNode[]): string | null {
    // A name that somebody gave goes before one that a program made up; then what is nearest to the shape.
    const use = speakers.findLastIndex((each) => each.name === "use");
    const ids = (use < 0 ? [...speakers, node] : speakers.slice(0, use + 1))
      .flatMap((each) => idOf(each) ?? [])
      .toReversed();
    const given = ids.find((id) => !isMadeUp(id)) ?? ids[0] ?? (uses.length > 0 ? idOf(node) : null) ?? null;
    const within = speakers.length > 0 ? null : uses.map((each) => idOf(each)).find((id) => id !== null);
    return within && given !== null ? `${within}-${given}` : given;
  }

  function outlineOf(node: SvgNode, { matrix, viewport, paint }: Surroundings): PlanGeometry | null {
    outline.begin(matrix);
    const { name: element, attributes } = node;
    if (element === "path") {
      const fault = scanPath(attributes["d"] ?? "", outline);
      if (fault) {
        const near = (attributes["d"] ?? "").slice(Math.max(0, fault.at - 21), fault.at + 20);
        leaveOut(node, "svg_path_invalid", `its path cannot be read at character ${fault.at}: ${fault.reason}`, near);
        return null;
      }
    } else {
      const fault = BASIC_SHAPES[element]?.(attributes, viewport, outline);
      if (fault) {
        leaveOut(
          node,
          "svg_number_invalid",
          `its ${fault.attribute} cannot be read: ${fault.reason}`,
          attributes[fault.attribute],
        );
        return null;
      }
    }
    const subpaths = outline.end();
    if (!subpaths) {
      leaveOut(node, "svg_number_out_of_range", `it lies beyond ${MAX_COORDINATE} pixels, or nowhere`);
      return null;
    }
    for (const subpath of subpaths) points += subpath.points.length / 2;
    if (points > MAX_POINTS)
      throw new PlanFault("svg_too_complex", `its shapes have more than ${MAX_POINTS} points`, node);
    // Lines have no inside; black is what is painted where nothing is said.
    const fill = element !== "line" && paint.fill !== "none" && paint.fill !== "transparent";
    const geometry = geometryOf(subpaths, { fill, rule: paint.rule });
    if (!geometry) leaveOut(node, "svg_shape_empty", fill ? "it has no area" : "it has no length");
    return geometry;
  }

  return {
    leaveOut,

    layer(node, visible) {
      const known = layers.get(node);
      if (known !== undefined) return known?.ref ?? null;
      const text = nameOf(node);
      if (layers.size >= MAX_LAYERS) {
        layers.set(node, null);
        leaveOut(node, "svg_layers_too_many", LAYERS_TOO_MANY);
        return null;
      }
      const ref = layerNames.unique(refOf(`${options.layerPrefix ?? ""}${text || "layer"}`));
      const { label } = saidBy(node, "und");
      const named = Object.keys(label).length > 0 ? label : { und: text || ref };
      layers.set(node, { ref, label: named, visible, group: originOf(node) });
      return ref;
    },

    shape(node, around) {
      if (node.kinds & SCRIPTS)
        for (const attribute in node.attributes)
          if (attribute.startsWith("on"))
            leaveOut(node, "svg_script_ignored", `its ${attribute} is not run; the shape is imported`);
      const geometry = outlineOf(node, around);
      if (!geometry) return;
      const { language, layer, paint, speakers, link } = around;
      const { label, properties, type } = saidBy(node, language);
      let said = type;
      for (let at = speakers.length - 1; at >= 0; at -= 1) {
        const speaker = speakers[at]!;
        const more = saidBy(speaker, languageOf(speaker.attributes, language));
        addLabel(label, more.label);
        for (const [key, value] of Object.entries(more.properties))
          if (!Object.hasOwn(properties, key)) properties[key] = value;
        said ??= more.type;
      }
      if (link !== null && /^https?:\/\//i.test(link)) properties["link"] ??= oneLine(link);
      const position = labelPosition(geometry);
      if (position) properties["label_position"] = position.map(pixels);
      const ref = name(node, around);
      shapes.push({
        ...{
          ref,
          type: said ?? kind,
          layer,
          label,
          geometry,
          properties,
          style: styleOf(paint),
          visible: paint.visible,
        },
        group: speakers[0] ?? null,
      });
    },

    text(node, { matrix, viewport, paint, language, layer, speakers }) {
      const said = oneLine(node.text);
      if (said === "") return;
      const first = node.children.find((child) => child.name === "tspan");
      const start = (axis: "x" | "y", of: number): number => {
        const given = node.attributes[axis] ?? first?.attributes[axis] ?? "0";
        const { numbers } = numbersOf(given);
        return (numbers.length > 1 ? numbers[0] : lengthOf(given, of)) ?? 0;
      };
      const half = (said.length * paint.fontSize) / 4;
      const shift = paint.anchor === "middle" ? 0 : paint.anchor === "end" ? -half : half;
      const middle = { x: start("x", viewport.width) + shift, y: start("y", viewport.height) - paint.fontSize * 0.35 };
      const { x, y } = applyToPoint(matrix, middle);
      if (!(Math.abs(x) <= MAX_COORDINATE && Math.abs(y) <= MAX_COORDINATE))
        return leaveOut(node, "svg_number_out_of_range", `it lies beyond ${MAX_COORDINATE} pixels, or nowhere`);
      const { a, b, c, d } = matrix;
      const size = paint.fontSize * Math.sqrt(Math.abs(a * d - b * c)) * DECIMALS;
      const at: PlacedText["at"] = [Math.round(x * DECIMALS), Math.round(y * DECIMALS)];
      const label = { [languageOf(first?.attributes ?? {}, language)]: said };
      texts.push({ label, at, size, group: speakers[0] ?? null, node, layer, visible: paint.visible });
    },

    length(node, attribute, of) {
      const text = node.attributes[attribute];
      const value = lengthOf(text, of);
      if (!Number.isNaN(value)) return value;
      leaveOut(node, "svg_number_invalid", `its ${attribute} cannot be read, and counts as not said`, text);
      return null;
    },

    end(size) {
      const free = placeTexts(texts, shapes) as typeof texts;
      const overlays: PlanOverlay[] = [];
      for (const { group: _, geometry, ...overlay } of shapes)
        overlays.push({ ...overlay, geometry: printGeometry(geometry) });
      // What names no shape is a label of the map itself.
      for (const { node, at, label, layer, visible } of free) {
        const id = idOf(node);
        const wanted = id === null || isMadeUp(id) ? "" : refOf(id);
        if (wanted === "") generated += 1;
        const ref = wanted === "" ? naming.generated(layer, "text") : naming.unique(wanted);
        const geometry = printGeometry({ type: "Point", point: at });
        overlays.push({ ref, type: "label", layer, label, geometry, properties: {}, style: null, visible });
      }
      const used = new Set(overlays.map((overlay) => overlay.layer));
      const kept = [...layers.values()].filter((layer): layer is PlanLayer => layer !== null && used.has(layer.ref));
      return { layers: kept, overlays, leftOut, leftOutCount, renamed, generated, size };
    },
  };
}

const originOf = ({ name: element, attributes, line, column }: SvgNode): Origin => ({
  element,
  id: attributes["id"] === undefined ? null : cut(attributes["id"]),
  line,
  column,
});

const cut = (text: string): string => {
  const line = text
    .slice(0, MAX_VALUE + 1)
    .toWellFormed()
    .replaceAll("\0", "\ufffd");
  return line.length <= MAX_VALUE ? line : `${line.slice(0, MAX_VALUE - 1)}…`;
};
