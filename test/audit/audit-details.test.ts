import { expect, it } from "vitest";
import { shortText } from "../../src/audit/audit-details.ts";
import { masked } from "../../src/errors.ts";

it.each([
  ["postgres://ada:secret@host/db", "postgres://ada:***@host/db"],
  ["see https://ada:se:cr:et@host and https://bob:x@host", "see https://ada:***@host and https://bob:***@host"],
  ["a+b://ada:secret@host", "a+b://ada:***@host"],
  ["host:80/ada@home", "host:80/ada@home"],
])("%s is told as %s", (text, told) => {
  expect(masked(text)).toBe(told);
});

it("is told without the query of an URL, and no longer than anybody reads", () => {
  expect(shortText("from https://host/a.csv?signature=1#x now")).toBe("from https://host/a.csv?… now");
  expect(shortText("x".repeat(1_000)).length, "200 and an ellipsis").toBeLessThanOrEqual(201);
});

// Hours, if each word were searched again from each of its letters.
it.each(["x", "a://", "a://b:", "a://b:@", "pk_a"])("a text of ten megabytes of %s is told at once", (part) => {
  const text = part.repeat(10_000_000 / part.length);
  expect(shortText(text).length).toBeLessThanOrEqual(201);
  expect(masked(`${text.slice(0, 200_000)} postgres://ada:secret@host`)).toContain("postgres://ada:***@host");
});
