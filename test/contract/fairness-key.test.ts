import { expect, it } from "vitest";
import { fairnessKey } from "../../contract/fairness-key.ts";

it("is the tenant's slug where that fits, and never longer than the server takes", () => {
  expect(fairnessKey("harbour")).toBe("harbour");
  expect(fairnessKey("a".repeat(64))).toBe("a".repeat(64));
  for (const tenant of ["a".repeat(65), "ن".repeat(40), `${"a".repeat(200)}b`])
    expect(Buffer.byteLength(fairnessKey(tenant))).toBeLessThanOrEqual(64);
});

it("is another one for another tenant, also where the names differ at their ends only", () => {
  const names = Array.from({ length: 1_000 }, (_, index) => `${"tenant".repeat(20)}-${index}`);
  expect(new Set(names.map(fairnessKey)).size).toBe(1_000);
  expect(fairnessKey("ن".repeat(40))).not.toBe(fairnessKey("م".repeat(40)));
});
