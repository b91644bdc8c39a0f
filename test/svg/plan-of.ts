/** Plans as tests write them, and what they become. */
import { createPlanReader } from "../../src/svg/read-plan.ts";
import type { Plan, PlanOptions, PlanOverlay } from "../../src/svg/plan.ts";

export const svg = (body: string, attributes = ""): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ${attributes}>${body}</svg>`;

/** `pieces`: bytes that come at a time; all at once by default. */
export function planOf(text: string | Uint8Array, options: PlanOptions = {}, pieces = Infinity): Plan {
  const reader = createPlanReader(options);
  const bytes = Buffer.from(text as string);
  for (let at = 0; at < bytes.length; at += pieces)
    reader.write(bytes.subarray(at, at + Math.min(pieces, bytes.length)));
  return reader.end();
}

export interface Geometry {
  type: string;
  coordinates: never[];
}

export const geometryOf = ({ geometry }: Pick<PlanOverlay, "geometry">): Geometry => JSON.parse(geometry) as Geometry;

/** The geometries of what `body` draws. */
export const drawn = (body: string, attributes = ""): Geometry[] =>
  planOf(svg(body, attributes)).overlays.map(geometryOf);
