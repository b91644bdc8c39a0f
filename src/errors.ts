/** The one error class. The gateway turns it into problem details, activities turn it into ApplicationFailures. */
import { FAILURES, sentence, type FailureCode, type FailureDefinition } from "../contract/failures.ts";
import type { Problem } from "../contract/problem.ts";

export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: FailureCode;
  /** What fills the sentence's placeholders; sent to the client beside it, so never a secret. */
  readonly facts: Record<string, unknown>;
  /** The single problems, where there can be many. */
  readonly problems: Problem[];

  constructor(
    code: FailureCode,
    facts: Record<string, unknown> = {},
    options: { cause?: unknown; problems?: Problem[] } = {},
  ) {
    super(sentence(FAILURES[code].sentence, facts), options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.facts = facts;
    this.problems = options.problems ?? [];
  }

  get definition(): FailureDefinition {
    return FAILURES[this.code];
  }

  get action(): string {
    return sentence(this.definition.action, this.facts);
  }
}

/** The message of anything thrown, masked. */
export function reasonOf(error: unknown): string {
  return masked(error instanceof Error ? error.message || error.name : String(error));
}

/** Text without the passwords of URLs and without API keys. Each search begins at a word and has an end: long texts are no work. */
export function masked(text: string): string {
  return text
    .replaceAll(/\b(\w+:\/\/[^\s:/@]{0,1000}):[^\s@]{0,1000}@/g, "$1:***@")
    .replaceAll(/\b(pk_[a-z]+_)[A-Za-z0-9_-]{43}/g, "$1***");
}
