/**
 * Text without its secrets. Each is replaced by a placeholder that is the same wherever the same secret stands, so that what a workflow
 * compares is still equal; a placeholder is never replaced again.
 *
 * Written by hand: `@npmcli/redact` takes UUIDs for secrets, which job and run ids are; `@pinojs/redact` wants to be told the paths.
 */
import { randomBytes } from "node:crypto";

/** What was found, by its kind; in the order in which text is searched. */
export type SecretKind = "header" | "secret" | "signature" | "password" | "jwt" | "key" | "email";

/** How many of each kind were replaced. */
export type RedactionCounts = Partial<Record<SecretKind, number>>;

export interface TextRedactor {
  counts: RedactionCounts;
  text(text: string): string;
  /** The placeholder of a value that is a secret as a whole, because of the name it stands under. */
  whole(value: string, kind: SecretKind): string;
}

const PLACEHOLDER = /^redacted-[a-z]+-[0-9a-f]{8}$/;
const NAMES = "password|passwd|passphrase|pwd|secret|token|api[-_ ]?key|access[-_ ]?key|private[-_ ]?key|credentials?";
/** Every quantifier has a bound, or begins at a word of its own: a payload can hold megabytes of one word. */
const RULES: { kind: SecretKind; pattern: RegExp }[] = [
  // A header in a dump of a request: everything to the end of its line, or of the text it is quoted in.
  {
    kind: "header",
    pattern:
      /(?<before>\b(?:proxy-)?authorization|\bset-cookie|\bcookie|\bx-api-key)(?<sign>["']?\s*[:=]\s*["']?)(?<value>[^\r\n"']+)/gi,
  },
  { kind: "header", pattern: /(?<before>\bbearer)(?<sign>\s+)(?<value>[\w.~+/=-]{8,})/gi },
  {
    kind: "header",
    pattern: /(?<before>\bbasic)(?<sign>\s+)(?<value>(?=[A-Za-z+/]*[0-9A-Z=])[A-Za-z0-9+/]{8,}={0,2})/g,
  },
  // Signed URLs, also inside another URL's query (%3F, %26, %3D) and in escaped HTML or JSON.
  {
    kind: "signature",
    pattern:
      /(?<before>(?:[?&;]|&amp;|\\u0026|%3F|%26)(?:x-amz-[a-z-]{1,40}|x-goog-[a-z-]{1,40}|awsaccesskeyid|googleaccessid|sig|signature|sign|[a-z_-]{0,40}token|api_?key|key|code|password|secret|credential|policy|key-pair-id))(?<sign>=|%3D)(?<value>(?:(?!%26|&amp;|\\u0026)[^&;\s"'<>#])+)/gi,
  },
  {
    kind: "secret",
    pattern: new RegExp(
      `(?<before>\\b[\\w-]{0,40}(?:${NAMES})\\b\\\\?["']?)(?<sign>\\s*[:=]\\s*\\\\?["']?)(?<value>[^\\s"',;&<>\\\\}\\])]+)`,
      "gi",
    ),
  },
  {
    kind: "password",
    pattern: /(?<before>\b[a-z][\w+.-]{0,20}:\/\/[^\s:/@]{0,200})(?<sign>:)(?<value>[^\s@/]{1,500})(?=@)/gi,
  },
  { kind: "password", pattern: /(?<before>\b[a-z][\w+.-]{0,20}:\/)(?<sign>\/)(?<value>[^\s:/@]{16,500})(?=@)/gi },
  { kind: "jwt", pattern: /(?<value>\beyJ[\w-]{8,}\.[\w-]{2,}\.[\w-]*)/g },
  {
    kind: "key",
    pattern:
      /(?<value>\bpk_[a-z]+_[\w-]{43}|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_\w{30,}|\bgithub_pat_\w{22,}|\bglpat-[\w-]{20,}|\bxox[a-z]-[\w-]{10,}|\b[rs]k_(?:live|test)_\w{16,}|\bsk-[\w-]{20,}|\bAIza[\w-]{35}|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?)/g,
  },
  {
    kind: "email",
    pattern:
      /(?<value>[\p{L}\p{N}._%+'-]{1,64}(?:@|%40)[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){0,8}\.\p{L}{2,24})/gu,
  },
];

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
      for (const { kind, pattern } of RULES) {
        redacted = redacted.replaceAll(pattern, (...found) => {
          const { before = "", sign = "", value = "" } = found.at(-1) as Record<string, string | undefined>;
          return `${before}${sign}${whole(value, kind)}`;
        });
      }
      return redacted;
    },
  };
}

const SECRET_WORDS = new Set(
  "password passwd passphrase pwd secret secrets token tokens authorization cookie cookies credential credentials signature sig jwt".split(
    " ",
  ),
);
const SECRET_ENDINGS = /(apikey|accesskey|accesskeyid|privatekey|secretkey|signingkey|sessionid)$/;

/** Is what stands under this name a secret, whatever it looks like? `clientSecret`, `x-api-key`, `refresh_token`. */
export function namesSecret(name: string): boolean {
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter(Boolean);
  return SECRET_WORDS.has(words.at(-1) ?? "") || SECRET_ENDINGS.test(words.join(""));
}
