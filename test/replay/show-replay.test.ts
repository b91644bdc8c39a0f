import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { divergenceLines } from "../../src/cli/replay/show-replay.ts";
import { runPlaten } from "../cli/run-platen.ts";
import { ROOT } from "../rules/source-files.ts";

const ESCAPE = "\u001B[2J";
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "platen-shown-"));
});
afterAll(() => rm(folder, { recursive: true }));

it("a stranger's bundle sends nothing to the terminal but text", async () => {
  const text = await readFile(join(ROOT, "test/histories/publish/0.1-completed.json"), "utf8");
  const bundle = {
    ...{ format: "platen-replay/1", made_at: ESCAPE, workflow_id: ESCAPE, run_id: ESCAPE, job: null, runs: [] },
    ...{ versions: { platen: ESCAPE }, ran_by: [ESCAPE], redactions: { replaced: { [ESCAPE]: 1 }, dropped: 0 } },
    history: JSON.parse(text.replaceAll('"1@golden"', JSON.stringify(ESCAPE))),
  };
  const path = join(folder, "bundle.json");
  await writeFile(path, JSON.stringify(bundle));
  const shown = await runPlaten(["replay", "--bundle", path]);
  expect(shown.stdout).toContain("\\u001b[2J");
  expect(shown.stdout).not.toContain(ESCAPE);
  await writeFile(path, JSON.stringify({ ...bundle, format: `platen-replay/${ESCAPE}` }));
  const { stderr, code } = await runPlaten(["replay", "--bundle", path]);
  expect(stderr).toContain("its format is platen-replay/\\u001b[2J");
  expect(stderr).not.toContain(ESCAPE);
  expect(code).toBe(1);
}, 60_000);

it("nor does a divergence", () => {
  const all = { event_id: 1, history: ESCAPE, code: ESCAPE, place: ESCAPE, reason: ESCAPE };
  for (const kind of ["error", "nondeterminism"] as const)
    expect(divergenceLines({ kind, ...all }).join("")).not.toContain(ESCAPE);
});
