import { expect, test } from "vitest";
import { iso } from "../src/db.ts";

test.each([
  "2026-11-23 05:01:38.015+00",
  "2026-11-23 05:01:38+00",
  "2026-11-23 05:01:38.5+00",
  "2026-11-23 05:01:38.015999+00",
  "1970-01-01 00:00:00.000001+00",
  "2026-11-23 05:01:38.015+02",
  "2026-11-23 05:01:38.015+05:30",
  "2026-11-23T05:01:38.015Z",
])("the ISO form of %s is what JavaScript reads in it", (printed) => {
  expect(iso(printed)).toBe(new Date(printed).toISOString());
});

test("of no timestamp there is none", () => {
  expect(iso(null)).toBeNull();
});

test("a year below 100 is that year, which JavaScript takes for one of the last century", () => {
  expect(iso("0099-12-31 23:59:59.999+00")).toBe("0099-12-31T23:59:59.999Z");
});
