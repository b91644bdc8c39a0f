/** npm packages at the locked versions, and with them Node 24. */
import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { root } from "./root.js";
import { capture } from "./run.js";
import { Missing, showProgress } from "./say.js";
import { toolFolder } from "./temporal-cli.js";

/** Installs them unless node_modules is what the lock file says. */
export async function preparePackages() {
  if (!packagesMatchLock(root)) {
    await showProgress("Installing npm packages at the locked versions", async (note) => {
      const options = ["--no-audit", "--no-fund", "--loglevel=http"];
      let fetched = 0;
      const onLine = (/** @type {string} */ line) => {
        const [, archive] = /^npm http fetch GET 200 \S+\/([^/\s]+\.tgz)/.exec(line) ?? [];
        if (archive) note(`${(fetched += 1)} packages, ${archive}`);
      };
      const { code, output } = await capture("npm", ["ci", ...options], { onLine });
      if (code === -1) throw new Missing("There is no `npm` on PATH. Install it: https://nodejs.org/en/download");
      const told = output.split("\n").filter((line) => !line.startsWith("npm http"));
      if (code !== 0) throw new Missing(`\`npm ci\` failed; mend what it says and start again:\n${told.join("\n")}`);
    });
  }
  if (!existsSync(node24())) {
    throw new Missing(
      "Node 24 is missing from node_modules because install scripts did not run. Run: npm ci --ignore-scripts=false",
    );
  }
}

/** The Node that everything but the bootstrap runs on. */
export function node24() {
  return join(root, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
}

/** The environment in which `node` is Node 24, the packages' commands are found, and compiled code is kept for the next process. */
export function toolEnvironment() {
  const folders = [join(root, "node_modules", ".bin"), dirname(node24()), process.env.PATH ?? ""];
  const NODE_COMPILE_CACHE = join(toolFolder(), "compile-cache");
  return { NODE_COMPILE_CACHE, ...process.env, PATH: folders.join(delimiter) };
}

/**
 * Does node_modules hold what the lock file asks for? npm writes what it installed into node_modules/.package-lock.json,
 * as its last act: an interrupted install leaves none.
 * @param {string} folder
 */
export function packagesMatchLock(folder) {
  const locked = packagesOf(join(folder, "package-lock.json"));
  const installed = packagesOf(join(folder, "node_modules", ".package-lock.json"));
  if (!locked || !installed) return false;
  return Object.entries(locked).every(([path, wanted]) => {
    const found = installed[path];
    // The project itself is not listed; packages for other platforms are optional and absent.
    return path === "" || (found ? found.version === wanted.version : wanted.optional === true);
  });
}

/**
 * @param {string} file
 * @returns {Record<string, {version?: string, optional?: boolean}> | null}
 */
function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages;
  } catch {
    return null;
  }
}
