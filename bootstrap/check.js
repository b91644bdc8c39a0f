/** `npm run check`: everything that must hold before a commit. All parts run, so that one look shows all that is wrong. */
import { prepare } from "./prepare.js";
import { run } from "./run.js";
import { runTests } from "./run-tests.js";
import { command } from "./say.js";

/** @type {[string, string, string[]][]} */
const CHECKS = [
  ["format", "oxfmt", ["--check"]],
  ["types", "tsc", ["--noEmit"]],
  ["lint", "oxlint", ["--type-aware"]],
  ["unused", "knip", []],
];

await command(async () => {
  const prepared = await prepare();
  /** @type {string[]} */
  const failed = [];
  for (const [name, program, args] of CHECKS) {
    console.log(`\n— ${name} (${[program, ...args].join(" ")})`);
    if ((await run(program, args, prepared.env)) !== 0) failed.push(name);
  }
  console.log("\n— tests, rules among them");
  if ((await runTests(prepared, [])) !== 0) failed.push("tests");
  console.log(failed.length ? `\nNot right yet: ${failed.join(", ")}.` : "\nAll checks passed.");
  return failed.length ? 1 : 0;
});
