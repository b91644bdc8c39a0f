/**
 * `npm run mutations [-- REGEXP]`: takes each rule (or those that match) out of a copy of the source and runs its test, which must fail. Exit code 1 when a rule
 * can go unnoticed. About 6 s a rule, half a minute where real workers are needed.
 */
import { spawnSync } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Mutation } from "./mutation.ts";
import { ALL_RULES } from "./all-rules.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const wanted = new RegExp(process.argv[2] ?? "");
const MUTATIONS = ALL_RULES.filter(({ rule }) => wanted.test(rule));
const LEFT_OUT = new Set(["node_modules", ".git", ".platen"]);
const TEST_FILE = "test/jobs/protocol.test.ts";

async function survives(copy: string, mutation: Mutation): Promise<boolean> {
  const path = join(copy, mutation.file);
  const source = await readFile(path, "utf8");
  if (!source.includes(mutation.find))
    throw new Error(`${mutation.file} does not hold ${JSON.stringify(mutation.find)}`);
  await writeFile(path, source.replace(mutation.find, mutation.replace));
  try {
    const report = join(copy, "report.json");
    const args = [
      "run",
      mutation.testFile ?? TEST_FILE,
      "-t",
      mutation.test,
      "--reporter=json",
      `--outputFile=${report}`,
    ];
    const ran = spawnSync(process.execPath, [join(copy, "node_modules/vitest/vitest.mjs"), ...args], {
      cwd: copy,
      encoding: "utf8",
    });
    const text = await readFile(report, "utf8").catch(() => null);
    if (text === null) throw new Error(`vitest did not run: ${ran.stderr}`);
    await rm(report);
    const { numPassedTests, numFailedTests } = JSON.parse(text) as { numPassedTests: number; numFailedTests: number };
    if (numPassedTests + numFailedTests === 0) throw new Error(`no test is called ${JSON.stringify(mutation.test)}`);
    return numFailedTests === 0;
  } finally {
    await writeFile(path, source);
  }
}

const copy = await mkdtemp(join(tmpdir(), "platen-mutations-"));
try {
  await cp(root, copy, { recursive: true, filter: (path) => !LEFT_OUT.has(basename(path)) });
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  let unnoticed = 0;
  for (const mutation of MUTATIONS) {
    const alive = await survives(copy, mutation);
    if (alive) unnoticed += 1;
    console.log(`${alive ? "UNNOTICED" : "noticed  "}  ${mutation.rule}`);
  }
  console.log(`${MUTATIONS.length - unnoticed} of ${MUTATIONS.length} rules are held by a test`);
  process.exitCode = unnoticed === 0 ? 0 : 1;
} finally {
  await rm(copy, { recursive: true, force: true });
}
