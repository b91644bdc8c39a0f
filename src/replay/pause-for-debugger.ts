import { url } from "node:inspector";

/**
 * Stops here when a debugger is attached: the workflows' code is loaded by now and none of it has run, so breakpoints that are set in
 * `workflows/*.ts` now are met from the first line on. Continue with F8 (Chrome) or F5 (VS Code).
 */
export function pauseForDebugger(): void {
  // oxlint-disable-next-line no-debugger -- it is what this is for
  if (isDebugged()) debugger;
}

/** Can a debugger be, or is one, attached to this process? */
export function isDebugged(): boolean {
  return url() !== undefined;
}
