/**
 * A geometry as GeoJSON text, members in canonical order. Straight to bytes: most of a plan is its points, and JSON.stringify needs an
 * array of each.
 */
import { DECIMALS } from "./limits.ts";
import type { PlanGeometry, Points } from "./rings.ts";

/** Of a number with its comma, and of a point's brackets, at most: 1e9 with three decimals and a sign. */
const NUMBER_BYTES = 18;
const [OPEN, CLOSE, COMMA, MINUS, DOT, ZERO] = [91, 93, 44, 45, 46, 48];

let buffer = Buffer.allocUnsafe(1 << 16);
let at = 0;

/** The text that JSON.stringify gives of the same numbers. */
export function printGeometry(geometry: PlanGeometry): string {
  at = 0;
  if (geometry.type === "Point") printPoints(geometry.point, false);
  else if ("lines" in geometry) printLines(geometry.lines, geometry.type === "MultiLineString");
  else {
    if (geometry.type === "MultiPolygon") put(OPEN);
    for (const [index, rings] of geometry.polygons.entries()) {
      if (index > 0) put(COMMA);
      printLines(rings, true);
    }
    if (geometry.type === "MultiPolygon") put(CLOSE);
  }
  return `{"coordinates":${buffer.toString("latin1", 0, at)},"type":"${geometry.type}"}`;
}

/** In pixels, as the text of a geometry has it. */
export const pixels = (point: number): number => Math.round(point) / DECIMALS;

function printLines(lines: readonly Points[], several: boolean): void {
  if (several) put(OPEN);
  for (let index = 0; index < lines.length; index += 1) {
    if (index > 0) put(COMMA);
    printPoints(lines[index]!, true);
  }
  if (several) put(CLOSE);
}

function printPoints(points: Points, isLine: boolean): void {
  need(points.length * NUMBER_BYTES);
  if (isLine) put(OPEN);
  for (let index = 0; index < points.length; index += 2) {
    if (index > 0) buffer[at++] = COMMA;
    buffer[at++] = OPEN;
    printNumber(points[index]!);
    buffer[at++] = COMMA;
    printNumber(points[index + 1]!);
    buffer[at++] = CLOSE;
  }
  if (isLine) put(CLOSE);
}

function printNumber(point: number): void {
  let whole = Math.abs(point);
  if (point < 0) buffer[at++] = MINUS;
  let decimals = whole % DECIMALS;
  whole = (whole - decimals) / DECIMALS;
  let digits = 1;
  for (let limit = 10; whole >= limit; limit *= 10) digits += 1;
  for (let place = at + digits - 1; place >= at; place -= 1) {
    const rest = whole % 10;
    buffer[place] = ZERO + rest;
    whole = (whole - rest) / 10;
  }
  at += digits;
  if (decimals === 0) return;
  buffer[at++] = DOT;
  for (let unit = DECIMALS / 10; decimals > 0; unit /= 10) {
    const digit = Math.floor(decimals / unit);
    buffer[at++] = ZERO + digit;
    decimals -= digit * unit;
  }
}

function put(byte: number): void {
  need(1);
  buffer[at++] = byte;
}

/** Room for so many bytes and some brackets. */
function need(bytes: number): void {
  if (at + bytes + 16 <= buffer.byteLength) return;
  const larger = Buffer.allocUnsafe(Math.max(buffer.byteLength * 2, at + bytes + 16));
  buffer.copy(larger, 0, 0, at);
  buffer = larger;
}
