/**
 * Path data (SVG 2, chapter 9) straight to a pen, in absolute coordinates. By hand: libraries make an array of each segment, and take five
 * times as long for a plan as `saxes` for all of its XML (docs/decisions/0001-dependencies.md); tests hold it against `svgpath`.
 */

/** What draws a path. All coordinates are absolute. */
export interface Pen {
  move(x: number, y: number): void;
  line(x: number, y: number): void;
  cubic(x1: number, y1: number, x2: number, y2: number, x: number, y: number): void;
  quadratic(x1: number, y1: number, x: number, y: number): void;
  arc(rx: number, ry: number, degrees: number, large: boolean, sweep: boolean, x: number, y: number): void;
  close(): void;
}

/** What is wrong with path data, and at which character of it, from 1. */
export interface PathFault {
  reason: string;
  at: number;
}

const NUMBERS: Readonly<Record<string, number>> = { m: 2, l: 2, h: 1, v: 1, c: 6, s: 4, q: 4, t: 2, a: 7 };
/** Powers of ten that a double holds exactly. */
const POWERS = Array.from({ length: 23 }, (_, power) => 10 ** power);
/** Of the command at hand. Doubles in a place of their own: each that a function answers would be a new object. */
const ARGS = new Float64Array(7);
/** Up to so many digits a whole number is exact. */
const EXACT_DIGITS = 15;

/** Draws all of it; answers what is wrong, null for nothing. What comes before the fault has been drawn. */
export function scanPath(data: string, pen: Pen): PathFault | null {
  const end = data.length;
  let at = 0;
  let x = 0;
  let y = 0;
  let startX = 0;
  let startY = 0;
  // The last control point, for the smooth curves; itself the current point behind anything else.
  let cubicX = 0;
  let cubicY = 0;
  let quadX = 0;
  let quadY = 0;
  const args = ARGS;

  const skip = (): void => {
    while (at < end) {
      const code = data.charCodeAt(at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9 && code !== 12) return;
      at += 1;
    }
  };
  const skipComma = (): void => {
    skip();
    if (data.charCodeAt(at) !== 44) return;
    at += 1;
    skip();
  };
  /** Into `args`; false where there is none. */
  const number = (place: number): boolean => {
    const start = at;
    let code = data.charCodeAt(at);
    const negative = code === 45;
    if (negative || code === 43) code = data.charCodeAt(++at);
    let mantissa = 0;
    let digits = 0;
    let decimals = 0;
    while (code >= 48 && code <= 57) {
      mantissa = mantissa * 10 + code - 48;
      digits += 1;
      code = data.charCodeAt(++at);
    }
    if (code === 46) {
      code = data.charCodeAt(++at);
      while (code >= 48 && code <= 57) {
        mantissa = mantissa * 10 + code - 48;
        digits += 1;
        decimals += 1;
        code = data.charCodeAt(++at);
      }
    }
    if (digits === 0) {
      at = start;
      return false;
    }
    let exponent = false;
    if (code === 101 || code === 69) {
      let ahead = at + 1;
      const sign = data.charCodeAt(ahead);
      if (sign === 43 || sign === 45) ahead += 1;
      const first = data.charCodeAt(ahead);
      if (first >= 48 && first <= 57) {
        exponent = true;
        at = ahead + 1;
        while (data.charCodeAt(at) >= 48 && data.charCodeAt(at) <= 57) at += 1;
      }
    }
    if (exponent || digits > EXACT_DIGITS) args[place] = Number(data.slice(start, at));
    else {
      const value = decimals === 0 ? mantissa : mantissa / (POWERS[decimals] ?? 1);
      args[place] = negative ? -value : value;
    }
    return true;
  };
  const flag = (place: number): boolean => {
    const code = data.charCodeAt(at);
    if (code !== 48 && code !== 49) return false;
    at += 1;
    args[place] = code - 48;
    return true;
  };
  const fault = (reason: string): PathFault => ({ reason, at: at + 1 });

  skip();
  if (at < end && (data.charCodeAt(at) | 32) !== 109) return fault("it must begin with M or m");
  while (at < end) {
    const letter = data.charAt(at);
    let command = letter.toLowerCase();
    const relative = command === letter;
    at += 1;
    if (command === "z") {
      pen.close();
      x = startX;
      y = startY;
      cubicX = quadX = x;
      cubicY = quadY = y;
      skip();
      continue;
    }
    const count = NUMBERS[command];
    if (count === undefined) {
      at -= 1;
      return fault(`there is no command ${JSON.stringify(String.fromCodePoint(data.codePointAt(at) ?? 0))}`);
    }
    skip();
    do {
      for (let each = 0; each < count; each += 1) {
        const found = command === "a" && (each === 3 || each === 4) ? flag(each) : number(each);
        if (!found)
          return fault(
            at >= end ? `${letter} needs ${count} numbers, and it ends` : `${letter} needs ${count} numbers`,
          );
        if (each < count - 1) skipComma();
      }
      const offsetX = relative ? x : 0;
      const offsetY = relative ? y : 0;
      const last = count - 2;
      let nextX = command === "h" ? args[0]! + offsetX : command === "v" ? x : args[last]! + offsetX;
      let nextY = command === "h" ? y : command === "v" ? args[0]! + offsetY : args[last + 1]! + offsetY;
      let nextCubicX = nextX;
      let nextCubicY = nextY;
      let nextQuadX = nextX;
      let nextQuadY = nextY;
      switch (command) {
        case "m":
          pen.move(nextX, nextY);
          startX = nextX;
          startY = nextY;
          // Further pairs are lines.
          command = "l";
          break;
        case "c":
        case "s": {
          const smooth = command === "s";
          const from = smooth ? 0 : 2;
          const x1 = smooth ? 2 * x - cubicX : args[0]! + offsetX;
          const y1 = smooth ? 2 * y - cubicY : args[1]! + offsetY;
          nextCubicX = args[from]! + offsetX;
          nextCubicY = args[from + 1]! + offsetY;
          pen.cubic(x1, y1, nextCubicX, nextCubicY, nextX, nextY);
          break;
        }
        case "q":
        case "t": {
          const smooth = command === "t";
          nextQuadX = smooth ? 2 * x - quadX : args[0]! + offsetX;
          nextQuadY = smooth ? 2 * y - quadY : args[1]! + offsetY;
          pen.quadratic(nextQuadX, nextQuadY, nextX, nextY);
          break;
        }
        case "a":
          nextX = args[5]! + offsetX;
          nextY = args[6]! + offsetY;
          nextCubicX = nextQuadX = nextX;
          nextCubicY = nextQuadY = nextY;
          pen.arc(args[0]!, args[1]!, args[2]!, args[3] === 1, args[4] === 1, nextX, nextY);
          break;
        default:
          pen.line(nextX, nextY);
      }
      x = nextX;
      y = nextY;
      cubicX = nextCubicX;
      cubicY = nextCubicY;
      quadX = nextQuadX;
      quadY = nextQuadY;
      skip();
      const comma = data.charCodeAt(at) === 44;
      if (comma) {
        at += 1;
        skip();
      }
      const code = data.charCodeAt(at);
      const more = (code >= 48 && code <= 57) || code === 43 || code === 45 || code === 46;
      if (!more && comma) return fault(`a number is missing behind a comma`);
      if (!more) break;
    } while (at < end);
  }
  return null;
}
