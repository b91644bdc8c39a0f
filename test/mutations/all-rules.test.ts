import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../rules/source-files.ts";
import { ALL_RULES } from "./all-rules.ts";

test("every rule that `npm run mutations` takes out is still there to be taken out", async () => {
  const missing: string[] = [];
  for (const { rule, file, find } of ALL_RULES)
    if (!(await readFile(join(ROOT, file), "utf8")).includes(find)) missing.push(`${file}: ${rule}`);
  expect(missing).toEqual([]);
});
