import { join } from "node:path";
import { expect, test } from "vitest";
import { firstPartyModules, impureModules } from "./bundle-modules.ts";
import { ROOT } from "./source-files.ts";

test("the workflow bundle holds modules of workflows/ and contract/ only", { timeout: 60_000 }, async () => {
  const modules = await firstPartyModules(join(ROOT, "workflows/index.ts"));
  expect(modules).toContain("workflows/index.ts");
  expect(modules.some((path) => path.startsWith("contract/"))).toBe(true);
  expect(impureModules(modules)).toEqual([]);
});

test("rejected: a workflow that reaches into src/", { timeout: 60_000 }, async () => {
  const modules = await firstPartyModules(join(ROOT, "test/rules/fixtures/impure-workflow.ts"));
  expect(impureModules(modules)).toContain("src/errors.ts");
});
