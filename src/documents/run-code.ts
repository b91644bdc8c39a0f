/** Code that people wrote, run where it can do no harm and for no longer than it may. */
import { fileURLToPath } from "node:url";
import { CODE_LIMITS } from "../../contract/document-generation.ts";
import { AppError, reasonOf } from "../errors.ts";
import { ApartEnded, runApart } from "./apart.ts";

/** QuickJS looks at its clock between steps; what does not come to one is killed this much later. */
const GRACE_SECONDS = 1.5;
/** Of the process: the text of the code's input and of its result, beside the sandbox's own memory. */
const HEAP_MB = 256;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Answers what the code returned. Errors: code_failed, code_limit, and the signal's reason. */
export async function runCode(order: { code: string; input: object; signal: AbortSignal }): Promise<unknown> {
  const { code, input, signal } = order;
  try {
    const text = await runApart(
      { task: "evaluate", input: { code, input: JSON.stringify(input) } },
      {
        seconds: CODE_LIMITS.seconds + GRACE_SECONDS,
        heapMb: HEAP_MB,
        signal,
        // A second wall around the sandbox: the process may read its own program, and write, start or load nothing.
        flags: ["--permission", `--allow-fs-read=${ROOT}*`],
      },
    );
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (!(error instanceof ApartEnded)) throw error;
    throw new AppError("code_limit", { reason: reasonOf(error), ...CODE_LIMITS }, { cause: error });
  }
}
