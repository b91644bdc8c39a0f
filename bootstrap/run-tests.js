/** Running the tests and counting them. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./run.js";
import { say } from "./say.js";

/**
 * Runs vitest with `args`, then says `N passed, N failed` (and `, N skipped`) from its own report; resolves with the exit code.
 * @param {{node: string, env: NodeJS.ProcessEnv}} prepared
 * @param {string[]} args
 */
export async function runTests({ node, env }, args) {
  const folder = await mkdtemp(join(tmpdir(), "platen-report-"));
  const report = join(folder, "report.json");
  try {
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const code = await run(node, ["node_modules/vitest/vitest.mjs", "run", ...reporters, ...args], env);
    const { passed, failed, skipped } = count(await readFile(report, "utf8").catch(() => "{}"), code);
    console.log(`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`);
    if (failed && !code) say("The report has failures although the runner ended well.");
    return failed ? code || 1 : code;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * What is not a test and failed (a file that cannot be loaded, a hook, an error outside any test) counts as one failure.
 * @param {string} json vitest's JSON report; without tests when the run never began
 * @param {number} code the runner's exit code
 */
export function count(json, code) {
  const report = JSON.parse(json);
  const files = /** @type {{status: string, assertionResults: {status: string}[]}[]} */ (report.testResults ?? []);
  const tests = files.flatMap((file) => file.assertionResults);
  const number = (/** @type {string} */ status) => tests.filter((test) => test.status === status).length;
  const broken = files.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  );
  const failed = number("failed") + broken.length;
  return {
    passed: number("passed"),
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: tests.length - number("passed") - number("failed"),
  };
}
