/** viewBox and preserveAspectRatio: from the coordinates inside an `<svg>` or `<symbol>` to those around it. */
import type { Matrix } from "transformation-matrix";
import { numbersOf } from "./lengths.ts";

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Null where there is none, or one of no size. */
export function viewBoxOf(attributes: Record<string, string>): Box | null {
  const [x = 0, y = 0, width = 0, height = 0] = numbersOf(attributes["viewBox"] ?? "").numbers;
  return width > 0 && height > 0 ? { x, y, width, height } : null;
}

const ALIGN = /^\s*(?:defer\s+)?(none|x(Min|Mid|Max)Y(Min|Mid|Max))(?:\s+(meet|slice))?\s*$/;
const SHARE: Readonly<Record<string, number>> = { Min: 0, Mid: 0.5, Max: 1 };

/** Fits `box` into `place`; what cannot be read of `preserveAspectRatio` counts as xMidYMid meet, as browsers have it. */
export function fit(box: Box, place: Box, preserveAspectRatio = ""): Matrix {
  const [, align = "xMidYMid", alignX = "Mid", alignY = "Mid", meet = "meet"] = ALIGN.exec(preserveAspectRatio) ?? [];
  let a = place.width / box.width;
  let d = place.height / box.height;
  if (align !== "none") a = d = meet === "slice" ? Math.max(a, d) : Math.min(a, d);
  const e = place.x - box.x * a + (place.width - box.width * a) * (align === "none" ? 0 : (SHARE[alignX] ?? 0));
  const f = place.y - box.y * d + (place.height - box.height * d) * (align === "none" ? 0 : (SHARE[alignY] ?? 0));
  return { a, b: 0, c: 0, d, e, f };
}
