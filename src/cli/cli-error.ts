/** What ends a command early: sentences for people, one object for machines, and the exit code. */
import type { Problem } from "../../contract/problem.ts";
import { printable } from "../../contract/printable.ts";
import { PlatenError } from "../client/platen-error.ts";
import { AppError, masked, reasonOf } from "../errors.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";

export class CliError extends Error {
  override readonly name = "CliError";
  readonly exit: ExitCode;
  readonly code: string;
  /** Further lines: what to do, the single problems. */
  readonly lines: string[];
  readonly problems: Problem[];

  constructor(
    exit: ExitCode,
    code: string,
    message: string,
    more: { lines?: string[]; problems?: Problem[]; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? {} : { cause: more.cause });
    this.exit = exit;
    this.code = code;
    this.lines = more.lines ?? [];
    this.problems = more.problems ?? [];
  }
}

/** How many single problems are printed; `--json` has them all. */
const SHOWN_PROBLEMS = 20;

/** `  /overlays/plot-17/geometry: The ring crosses itself.`, one line each. */
export function problemLines(problems: readonly Problem[]): string[] {
  const lines = problems.slice(0, SHOWN_PROBLEMS).map(({ path, message }) => printable(`  ${path || "/"}: ${message}`));
  const left = problems.length - SHOWN_PROBLEMS;
  return left > 0 ? [...lines, `  … and ${left} more (--json lists all)`] : lines;
}

/** The server's refusal, or why there was no answer, as sentences. */
function fromServer(error: PlatenError): CliError {
  const { code, action, problems } = error;
  const message = masked(error.message);
  // Refused or not: an answer came.
  if (error.status > 0 || code === "not_platen")
    return new CliError(EXIT.refused, code, message, { lines: action === "" ? [] : [action], problems: [...problems] });
  return new CliError(EXIT.unreachable, "server_unreachable", message, {
    lines: ["Start a stack with `npm start`, or check --server and PLATEN_SERVER."],
    cause: error,
  });
}

/** Whatever was thrown, as a `CliError`. */
export function toCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (error instanceof PlatenError) return fromServer(error);
  if (error instanceof AppError) {
    const more = { lines: [error.action], problems: error.problems, cause: error };
    return new CliError(EXIT.refused, error.code, error.message, more);
  }
  return new CliError(EXIT.refused, "internal", `Something that should not happen did: ${reasonOf(error)}.`, {
    cause: error,
  });
}
