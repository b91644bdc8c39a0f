/**
 * Text without its secrets. Each is replaced by a placeholder that is the same wherever the same secret stands, so that what a workflow
 * compares is still equal; a placeholder is never replaced again.
 *
 * Written by hand: `@npmcli/redact` takes UUIDs for secrets, which job and run ids are; `@pinojs/redact` wants to be told the paths.
 */
import { randomBytes } from "node:crypto";
import { SECRET_RULES, type SecretKind } from "./secret-rules.ts";

/** How many of each kind were replaced. */
export type RedactionCounts = Partial<Record<SecretKind, number>>;

export interface TextRedactor {
  counts: RedactionCounts;
  text(text: string): string;
  /** The placeholder of a value that is a secret as a whole, because of the name it stands under. */
  whole(value: string, kind: SecretKind): string;
}

const PLACEHOLDER = /^redacted-[a-z]+-[0-9a-f]{8}$/;

/** One for a whole bundle: it remembers which placeholder stands for which secret. */
export function createTextRedactor(): TextRedactor {
  const counts: RedactionCounts = {};
  const placeholders = new Map<string, string>();
  function whole(value: string, kind: SecretKind): string {
    if (PLACEHOLDER.test(value)) return value;
    counts[kind] = (counts[kind] ?? 0) + 1;
    // Drawn by lot, not made of the secret: those that a gateway has replaced before stay apart, and nothing can be tried out.
    const placeholder = placeholders.get(value) ?? `redacted-${kind}-${randomBytes(4).toString("hex")}`;
    placeholders.set(value, placeholder);
    return placeholder;
  }
  return {
    counts,
    whole,
    text(text) {
      let redacted = text;
      for (const { kind, hint, pattern } of SECRET_RULES) {
        if (!hint.test(redacted)) continue;
        redacted = redacted.replaceAll(pattern, (...found) => {
          const { before = "", sign = "", quote = "", value = "" } = found.at(-1) as Record<string, string | undefined>;
          return `${before}${sign}${quote}${whole(value, kind)}`;
        });
      }
      return redacted;
    },
  };
}
