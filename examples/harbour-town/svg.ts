/** The few SVG shapes that the picture is made of. */
import type { Point, Ring } from "./geometry.ts";

const text = ([x, y]: Point): string => `${x.toFixed(1)} ${y.toFixed(1)}`;

/** An SVG path along the points, closed or not. */
export const linePath = (line: readonly Point[]): string => `M${line.map(text).join("L")}`;
export const ringPath = (ring: Ring): string => `${linePath(ring)}Z`;

/** A filled shape. `more`: further attributes. */
export const fill = (ring: Ring, colour: string, more = ""): string =>
  `<path d="${ringPath(ring)}" fill="${colour}" ${more}/>`;

/** A line with round ends and joins. */
export const stroke = (line: readonly Point[], colour: string, width: number, more = ""): string =>
  `<path d="${linePath(line)}" fill="none" stroke="${colour}" stroke-width="${width}" stroke-linejoin="round" stroke-linecap="round" ${more}/>`;
