import { expect, test } from "vitest";
import { MAX_DEPTH, whyNotStorable } from "../../src/json/storable-json.ts";

test.each([
  ["text \u0000", /NUL/],
  [{ "a\u0000": 1 }, /NUL/],
  [{ a: ["ok", "\udc00"] }, /"\/a\/1" holds half a surrogate pair/],
  [{ a: Number.POSITIVE_INFINITY }, /"\/a" is too large/],
  [JSON.parse('{"a":{"__proto__":{}}}'), /object at "\/a" has a member called __proto__/],
  [JSON.parse("[".repeat(MAX_DEPTH + 1) + "]".repeat(MAX_DEPTH + 1)), /deeper than 100/],
])("what PostgreSQL cannot keep is told (%#)", (value, reason) => {
  expect(whyNotStorable(value)).toMatch(reason);
});

test("what PostgreSQL can keep is not refused", () => {
  const deep: unknown = JSON.parse("[".repeat(MAX_DEPTH) + "]".repeat(MAX_DEPTH));
  for (const value of [null, true, "", "😀 \u2028", -0, 1e308, 5e-324, {}, [[{}]], deep])
    expect(whyNotStorable(value)).toBeNull();
});
