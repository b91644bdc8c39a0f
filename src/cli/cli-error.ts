/** What ends a command early: sentences for people, one object for machines, and the exit code. */
import type { Problem } from "../../contract/publish.ts";
import { printable } from "../../contract/printable.ts";
import { AppError, reasonOf } from "../errors.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";

/** The server's problem details (RFC 9457). */
export interface ProblemDetails {
  title: string;
  status: number;
  /** Stable; docs/errors.md has a heading for each. */
  code?: string;
  /** What happened and what to do. */
  detail?: string;
  /** What to do, alone: the end of `detail`. */
  action?: string;
  errors?: Problem[];
}

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

/** The server's refusal as sentences. */
export function refusal(details: ProblemDetails): CliError {
  const code = details.code ?? `http_${details.status}`;
  const { detail = details.title, action = "" } = details;
  const message = action !== "" && detail.endsWith(action) ? detail.slice(0, -action.length).trimEnd() : detail;
  return new CliError(EXIT.refused, code, message, {
    lines: action === "" ? [] : [action],
    problems: details.errors ?? [],
  });
}

/** Whatever was thrown, as a `CliError`. */
export function toCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (error instanceof AppError) {
    const more = { lines: [error.action], problems: error.problems, cause: error };
    return new CliError(EXIT.refused, error.code, error.message, more);
  }
  return new CliError(EXIT.refused, "internal", `Something that should not happen did: ${reasonOf(error)}.`, {
    cause: error,
  });
}
