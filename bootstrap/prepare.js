/** Gets this machine ready: Node 24, npm packages, the `temporal` binary. What is there already costs less than a second. */
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { fetchTemporal } from "./fetch-temporal.js";
import { node24, preparePackages, toolEnvironment } from "./packages.js";
import { command, Missing, say } from "./say.js";
import { findTemporal } from "./temporal-cli.js";

/**
 * Resolves with the Node to go on with and the environment to give it.
 * Errors: `Missing`, one sentence with the line that mends it.
 */
export async function prepare() {
  if (Number(process.versions.node.split(".")[0]) < 20) {
    throw new Missing(`Node ${process.versions.node} is too old: install 20 or newer, https://nodejs.org/en/download`);
  }
  await preparePackages();
  if (!(await findTemporal())) await fetchTemporal();
  return { node: node24(), env: toolEnvironment() };
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  await command(async () => {
    const { node } = await prepare();
    const temporal = await findTemporal();
    say(`Ready: Node ${node}, Temporal ${temporal?.path} (from ${temporal?.from}).`);
  });
}
