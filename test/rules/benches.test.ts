import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BENCHES } from "../../bench/index.ts";
import { ROOT } from "./source-files.ts";

test("every bench has a file of its name, and a heading in docs/performance.md in the same order", () => {
  const page = readFileSync(join(ROOT, "docs/performance.md"), "utf8");
  const headings = [...page.matchAll(/^## `(\S+)`$/gm)].map(([, name = ""]) => name);
  const names = BENCHES.map(({ name }) => name);
  expect(headings).toEqual(names);
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => !existsSync(join(ROOT, "bench", `${name}.ts`)))).toEqual([]);
});
