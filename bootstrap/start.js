/** `npm start`: prepares, then runs the embedded stack (src/dev/main.ts, which takes `--once`). */
import { argv } from "node:process";
import { prepare } from "./prepare.js";
import { run } from "./run.js";
import { command } from "./say.js";

await command(async () => {
  const { node, env } = await prepare();
  return run(node, ["src/dev/main.ts", ...argv.slice(2)], env);
});
