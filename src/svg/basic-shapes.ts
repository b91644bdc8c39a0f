/** The basic shapes, drawn as SVG 2 (chapter 10) says that their paths go. */
import { diagonal, lengthOf, numbersOf, type Viewport } from "./lengths.ts";
import type { Pen } from "./path-scanner.ts";

/** What is wrong with an attribute. */
export interface ShapeFault {
  attribute: string;
  reason: string;
}

type Attributes = Record<string, string>;
type Draw = (attributes: Attributes, viewport: Viewport, pen: Pen) => ShapeFault | null;

/** By name of the element. Each answers what is wrong, null for nothing; what has no size draws nothing. */
export const BASIC_SHAPES: Readonly<Record<string, Draw>> = { rect, circle, ellipse, line, polyline, polygon };

/** Reads lengths; the first that is none is remembered. */
function reader(attributes: Attributes, { width, height }: Viewport) {
  let fault: ShapeFault | null = null;
  const read = (attribute: string, of: number): number | null => {
    const value = lengthOf(attributes[attribute], of);
    if (!Number.isNaN(value)) return value;
    fault ??= { attribute, reason: "it is no length" };
    return null;
  };
  return {
    x: (attribute: string) => read(attribute, width),
    y: (attribute: string) => read(attribute, height),
    r: (attribute: string) => read(attribute, diagonal({ width, height })),
    fault: () => fault,
  };
}

function rect(attributes: Attributes, viewport: Viewport, pen: Pen): ShapeFault | null {
  const read = reader(attributes, viewport);
  const [x, y] = [read.x("x") ?? 0, read.y("y") ?? 0];
  const [width, height] = [read.x("width") ?? 0, read.y("height") ?? 0];
  const [givenX, givenY] = [read.x("rx"), read.y("ry")];
  if (read.fault() || !(width > 0 && height > 0)) return read.fault();
  const rx = Math.min(Math.max(givenX ?? givenY ?? 0, 0), width / 2);
  const ry = Math.min(Math.max(givenY ?? givenX ?? 0, 0), height / 2);
  const round = rx > 0 && ry > 0;
  const corner = (toX: number, toY: number): void => {
    if (round) pen.arc(rx, ry, 0, false, true, toX, toY);
  };
  const [left, right] = round ? [x + rx, x + width - rx] : [x, x + width];
  const [top, bottom] = round ? [y + ry, y + height - ry] : [y, y + height];
  pen.move(left, y);
  pen.line(right, y);
  corner(x + width, top);
  pen.line(x + width, bottom);
  corner(right, y + height);
  pen.line(left, y + height);
  corner(x, bottom);
  if (round) pen.line(x, top);
  corner(left, y);
  pen.close();
  return null;
}

function circle(attributes: Attributes, viewport: Viewport, pen: Pen): ShapeFault | null {
  const read = reader(attributes, viewport);
  const [x, y, r] = [read.x("cx") ?? 0, read.y("cy") ?? 0, read.r("r") ?? 0];
  if (!read.fault()) round(x, y, r, r, pen);
  return read.fault();
}

function ellipse(attributes: Attributes, viewport: Viewport, pen: Pen): ShapeFault | null {
  const read = reader(attributes, viewport);
  const [x, y] = [read.x("cx") ?? 0, read.y("cy") ?? 0];
  const [rx, ry] = [read.x("rx"), read.y("ry")];
  if (!read.fault()) round(x, y, rx ?? ry ?? 0, ry ?? rx ?? 0, pen);
  return read.fault();
}

function round(x: number, y: number, rx: number, ry: number, pen: Pen): void {
  if (!(rx > 0 && ry > 0)) return;
  pen.move(x + rx, y);
  pen.arc(rx, ry, 0, false, true, x, y + ry);
  pen.arc(rx, ry, 0, false, true, x - rx, y);
  pen.arc(rx, ry, 0, false, true, x, y - ry);
  pen.arc(rx, ry, 0, false, true, x + rx, y);
  pen.close();
}

function line(attributes: Attributes, viewport: Viewport, pen: Pen): ShapeFault | null {
  const read = reader(attributes, viewport);
  const [x1, y1, x2, y2] = [read.x("x1") ?? 0, read.y("y1") ?? 0, read.x("x2") ?? 0, read.y("y2") ?? 0];
  if (read.fault()) return read.fault();
  pen.move(x1, y1);
  pen.line(x2, y2);
  return null;
}

function polyline(attributes: Attributes, _viewport: Viewport, pen: Pen): ShapeFault | null {
  const { numbers, rest } = numbersOf(attributes["points"] ?? "");
  if (rest !== "") return { attribute: "points", reason: `${JSON.stringify(rest.slice(0, 20))} is no number` };
  if (numbers.length % 2 === 1) return { attribute: "points", reason: "the last point has an x and no y" };
  for (let at = 0; at < numbers.length; at += 2) {
    if (at === 0) pen.move(numbers[0]!, numbers[1]!);
    else pen.line(numbers[at]!, numbers[at + 1]!);
  }
  return null;
}

function polygon(attributes: Attributes, viewport: Viewport, pen: Pen): ShapeFault | null {
  const fault = polyline(attributes, viewport, pen);
  if (!fault && (attributes["points"] ?? "").trim() !== "") pen.close();
  return fault;
}
