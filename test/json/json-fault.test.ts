import { expect, test } from "vitest";
import { whyNotJson } from "../../src/json/json-fault.ts";

function reasonFor(text: string): string {
  try {
    JSON.parse(text);
  } catch (error) {
    return whyNotJson(text, error);
  }
  throw new Error(`${text} is JSON`);
}

test.each([
  ["tru", 'it ends too early, at line 1, column 4, after "tru"'],
  [" ", "it ends too early, at line 1, column 2"],
  ['{"a": "\n"}', 'unexpected "\\n" at line 1, column 8, near "{\\"a\\": \\"\\n\\"}"'],
  ['["é", 😀]', 'unexpected "😀" at line 1, column 7, near "[\\"é\\", 😀]"'],
  ['[\n  1,\n  "in JSON at position 3" x]', 'unexpected "x" at line 3, column 27'],
])("%j is told with its place", (text, reason) => {
  expect(reasonFor(text)).toContain(reason);
});

test("what is near is cut, and never in the middle of a character", () => {
  const reason = reasonFor(`["${"😀".repeat(1_000)}" x]`);
  expect(reason.length).toBeLessThan(150);
  expect(reason.isWellFormed()).toBe(true);
});

test("text that is nested without end is looked at as far as it may go, not further", () => {
  const text = `${"[".repeat(5_000_000)}x`;
  const refusal = new SyntaxError("Unexpected token 'x'");
  const before = process.cpuUsage();
  expect(whyNotJson(text, refusal)).toBe("it is nested deeper than 100 levels at line 1, column 101");
  // 5 ms; 2 s when all of it was looked at. Not by the clock, which others on the machine slow down.
  expect(process.cpuUsage(before).user).toBeLessThan(500_000);
});
