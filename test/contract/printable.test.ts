import { expect, test } from "vitest";
import { sentence } from "../../contract/failures.ts";
import { printable } from "../../contract/printable.ts";

test.each([
  ["\u001b[2Jgone", "\\u001b[2Jgone"],
  ["\u0000\u0007\u007f\u009b", "\\u0000\\u0007\\u007f\\u009b"],
  ["\u202egnp.exe", "\\u202egnp.exe"],
  ["half \ud83d", "half \\ud83d"],
  ["قطعة 😀 e\u0301\n\tq", "قطعة 😀 e\u0301\n\tq"],
])("%j is shown as %j", (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test("a sentence obeys nothing that a fact holds, and has an end", () => {
  const said = sentence("There is no project {project}.", { project: `\u001b[31m${"x".repeat(10_000)}😀` });
  expect(said).toMatch(/^There is no project \\u001b\[31mx+…\.$/);
  expect(said.length).toBeLessThan(600);
});
