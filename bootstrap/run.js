/** Running other programs. */
import { spawn } from "node:child_process";
import { root } from "./root.js";

/**
 * Runs a program in the project's folder, on our terminal; resolves with its exit code.
 * A signal to us goes on to it: it ends first, in its own way, and then we end.
 * @param {string} program
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>}
 */
export function run(program, args, env = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, env, stdio: "inherit" });
    // The terminal sends Ctrl-C to the child too. Only what is sent to us alone must be passed on.
    const ignore = () => {};
    const terminate = () => child.kill("SIGTERM");
    process.on("SIGINT", ignore).on("SIGTERM", terminate).on("SIGHUP", terminate);
    const done = () => process.off("SIGINT", ignore).off("SIGTERM", terminate).off("SIGHUP", terminate);
    child.once("error", (error) => (done(), reject(error)));
    child.once("exit", (code, signal) => (done(), resolve(code ?? (signal === "SIGINT" ? 130 : 143))));
  });
}

/**
 * Runs a program quietly; resolves with its exit code (-1 when there is no such program) and what it wrote.
 * @param {string} program
 * @param {string[]} args
 * @param {{env?: NodeJS.ProcessEnv, onLine?: (line: string) => void}} [options] `onLine` is told each line of stderr
 * @returns {Promise<{code: number, output: string}>}
 */
export function capture(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: root,
      env: options.env ?? process.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (output += text));
    child.stderr.setEncoding("utf8").on("data", (text) => {
      output += text;
      for (const line of text.split("\n")) if (line.trim()) options.onLine?.(line.trim());
    });
    child.once("error", (error) => resolve({ code: -1, output: error.message }));
    child.once("close", (code) => resolve({ code: code ?? 1, output }));
  });
}
