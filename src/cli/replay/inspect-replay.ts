/** The same replay in a child that waits for a debugger. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { url } from "node:inspector";
import { fileURLToPath } from "node:url";
import { CliError } from "../cli-error.ts";
import type { CliContext } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const WAIT = "--inspect-wait=127.0.0.1:";

/** `port`: 0 for a free one. Answers the child's exit code. */
export async function inspectReplay({ output, signal }: CliContext, file: string, port: number): Promise<ExitCode> {
  for (const line of HOW_TO_ATTACH) output.say(line);
  const args = [`${WAIT}${port}`, MAIN, "replay", "--bundle", file, ...(output.json ? ["--json"] : [])];
  const child = spawn(process.execPath, args, { stdio: "inherit", signal });
  child.on("error", () => {});
  const [code] = (await once(child, "exit")) as [number | null];
  signal.throwIfAborted();
  return (code ?? EXIT.refused) as ExitCode;
}

/** In that child, which goes on without a debugger where the port is taken. Error: `port_taken`. */
export function requireDebugger(): void {
  const asked = process.execArgv.find((option) => option.startsWith(WAIT));
  if (asked === undefined || url() !== undefined) return;
  throw new CliError(EXIT.refused, "port_taken", `The port ${asked.slice(WAIT.length)} is taken.`, {
    lines: ["Use --inspect 0 for a free one, or --inspect with another."],
  });
}

const HOW_TO_ATTACH = [
  "The replay waits for a debugger and stops when the workflows' code is loaded, before any of it runs:",
  "set breakpoints in workflows/*.ts then, and continue. `debugger` statements in them are honoured, too.",
  '  VS Code   "Debug: Attach to Node Process" from the command palette, or a launch configuration',
  '            {"type": "node", "request": "attach", "port": <the port below>}',
  "  Chrome    chrome://inspect, then “inspect” below “Remote Target”",
];
