/** The process that `runApart` starts: one task, one answer. */
import { AppError, reasonOf } from "../errors.ts";
import type { ApartAnswer, ApartTask } from "./apart.ts";
import type { evaluateCode } from "./evaluate-code.ts";
import type { renderDocument } from "./render-document.ts";

/** Each is loaded when it is asked for: the sandbox starts in a tenth of the time without the writers. */
export interface ApartTasks {
  evaluate: typeof evaluateCode;
  render: typeof renderDocument;
}

async function answerTo(order: ApartTask): Promise<ApartAnswer> {
  try {
    if (order.task === "evaluate") {
      const { evaluateCode } = await import("./evaluate-code.ts");
      return { done: await evaluateCode(order.input) };
    }
    const { renderDocument } = await import("./render-document.ts");
    return { done: await renderDocument(order.input) };
  } catch (error) {
    if (!(error instanceof AppError)) return { broken: reasonOf(error) };
    return { failed: { code: error.code, facts: error.facts, problems: error.problems } };
  }
}

// Started by `runApart` only; a worker that is killed takes it along.
if (import.meta.main) {
  process.once("disconnect", () => process.exit(1));
  process.once("message", (order) => void answerTo(order as ApartTask).then((answer) => process.send?.(answer)));
}
