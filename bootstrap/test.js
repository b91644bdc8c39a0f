/** `npm test [-- vitest's arguments]`: prepares, runs every test, ends with the count on a line of its own. */
import { argv } from "node:process";
import { prepare } from "./prepare.js";
import { runTests } from "./run-tests.js";
import { command } from "./say.js";

await command(async () => runTests(await prepare(), argv.slice(2)));
