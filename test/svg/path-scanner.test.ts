/** Path data against somebody else's reader (svgpath). */
import fc from "fast-check";
import svgpath from "svgpath";
import { expect, it } from "vitest";
import { scanPath, type Pen } from "../../src/svg/path-scanner.ts";

type Step = [string, ...(number | boolean)[]];

function steps(data: string): { steps: Step[]; fault: ReturnType<typeof scanPath> } {
  const told: Step[] = [];
  const pen: Pen = {
    move: (...args) => void told.push(["M", ...args]),
    line: (...args) => void told.push(["L", ...args]),
    cubic: (...args) => void told.push(["C", ...args]),
    quadratic: (...args) => void told.push(["Q", ...args]),
    arc: (...args) => void told.push(["A", ...args]),
    close: () => void told.push(["Z"]),
  };
  return { fault: scanPath(data, pen), steps: told };
}

/** What svgpath makes of it, with lines for H and V. */
function theirs(data: string): Step[] {
  const told: Step[] = [];
  svgpath(data)
    .abs()
    .unshort()
    .iterate((segment, _index, x, y) => {
      const [command, ...args] = segment as [string, ...number[]];
      if (command === "H") told.push(["L", args[0] ?? 0, y]);
      else if (command === "V") told.push(["L", x, args[0] ?? 0]);
      else if (command === "A") {
        const [rx = 0, ry = 0, turn = 0, large, sweep, toX = 0, toY = 0] = args;
        told.push(["A", rx, ry, turn, large === 1, sweep === 1, toX, toY]);
      } else told.push([command === "z" ? "Z" : command, ...args]);
    });
  return told;
}

const number = fc.oneof(
  fc.integer({ min: -999, max: 999 }),
  fc.double({ min: -1e4, max: 1e4, noNaN: true }).map((each) => Number(each.toFixed(4))),
);
const counts: Record<string, number> = { m: 2, l: 2, h: 1, v: 1, c: 6, s: 4, q: 4, t: 2, z: 0 };
const segment = fc.oneof(
  fc
    .constantFrom(..."lhvcsqtzLHVCSQTZmM".split(""))
    .chain((command) =>
      fc
        .array(number, { minLength: counts[command.toLowerCase()] ?? 0, maxLength: counts[command.toLowerCase()] ?? 0 })
        .map((args) => `${command}${args.join(" ")}`),
    ),
  fc
    .tuple(fc.constantFrom("a", "A"), number, number, number, fc.boolean(), fc.boolean(), number, number)
    .map(
      ([command, rx, ry, turn, large, sweep, x, y]) =>
        `${command}${rx},${ry} ${turn} ${Number(large)}${Number(sweep)}${x} ${y}`,
    ),
);

it("any path is read as svgpath reads it", () => {
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 12 }), (segments) => {
      const data = `M${segments.length} 1${segments.join(" ")}`;
      const ours = steps(data);
      expect(ours.fault).toBeNull();
      const other = theirs(data);
      expect(ours.steps.map(([command]) => command)).toEqual(other.map(([command]) => command));
      for (const [at, step] of ours.steps.entries())
        for (const [index, value] of step.entries())
          if (typeof value === "number") expect(value).toBeCloseTo(other[at]?.[index] as number, 6);
          else expect(value).toBe(other[at]?.[index]);
    }),
    { numRuns: 500 },
  );
});

it("every number is the one that JavaScript reads", () => {
  const told = (text: string): unknown => steps(`M0 0H${text}`).steps[1]?.[1];
  for (const text of [
    "0",
    "007",
    ".5",
    "-.5",
    "1.",
    "+3",
    "1e3",
    "1E-3",
    "0.1",
    "123456789.123456789",
    "9007199254740993",
    "1e308",
    "-1.7976931348623157e308",
    "5e-324",
  ])
    expect(told(text), text).toBe(Number(text));
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(told(String(value))).toBe(value + 0);
    }),
  );
});

it("numbers need nothing between them that the grammar does not", () => {
  expect(steps("M1-2.5.5-.3e1").steps).toEqual([
    ["M", 1, -2.5],
    ["L", 0.5, -3],
  ]);
  expect(steps("M0 0l1-1e0.5").fault).toMatchObject({ reason: "l needs 2 numbers, and it ends" });
});

it.each([
  ["L0 0", "it must begin with M or m", 1],
  ["M0 0 X", `there is no command "X"`, 6],
  ["M0 0 L1", "L needs 2 numbers, and it ends", 8],
  ["M0 0 L1 Q", "L needs 2 numbers", 9],
  ["M0 0 A1 1 0 2 0 5 5", "A needs 7 numbers", 13],
  ["M0 0 L1 1,", "a number is missing behind a comma", 11],
  ["M0 0 L NaN 1", "L needs 2 numbers", 8],
  ["M0 0 L😀", "L needs 2 numbers", 7],
])("%j is refused: %s", (data, reason, at) => {
  expect(steps(data).fault).toEqual({ reason, at });
});
