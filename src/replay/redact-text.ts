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
const HEADERS = String.raw`\b(?:(?:proxy-)?authorization|set-cookie|cookie|x-api-key)`;
/** To the same quote, however often JSON has escaped it. */
const QUOTED = String.raw`(?<quote>\\*["'])(?<value>(?:(?!\k<quote>)(?:\\[^]|[^\\]))+)`;
const SIGN = String.raw`(?<sign>\\*["']?\s*[:=]\s*)`;

interface Rule {
  kind: SecretKind;
  /** What a text without such a secret has not, found ten times as fast: most texts have nothing. */
  hint: RegExp;
  /** Begins at a word of its own, or has a bound: a payload can hold megabytes of one word. */
  pattern: RegExp;
}

const HEADER_HINT = /authorization|cookie|api-key/i;
const NAME_HINT = new RegExp(NAMES, "i");

const RULES: Rule[] = [
  // A header in a dump of a request: all that is quoted, or everything to the end of the line.
  { kind: "header", hint: HEADER_HINT, pattern: new RegExp(`(?<before>${HEADERS})${SIGN}${QUOTED}`, "gi") },
  {
    kind: "header",
    hint: HEADER_HINT,
    pattern: new RegExp(String.raw`(?<before>${HEADERS})${SIGN}(?<value>[^\s"'\\][^\r\n]*)`, "gi"),
  },
  { kind: "header", hint: /bearer/i, pattern: /(?<before>\bbearer)(?<sign>\s+)(?<value>[\w.~+/=-]{8,})/gi },
  {
    kind: "header",
    hint: /basic/i,
    pattern: /(?<before>\b[Bb]asic)(?<sign>\s+)(?<value>(?=[a-z+/]*[0-9A-Z=])[A-Za-z0-9+/]{8,}={0,2})(?![\w-])/g,
  },
  // Signed URLs, also inside another URL's query (%3F, %26, %3D) and in escaped HTML or JSON.
  {
    kind: "signature",
    hint: /[?&;]|%3F|%26|\\u0026/i,
    pattern:
      /(?<before>(?:[?&;]|&amp;|\\u0026|%3F|%26)(?:x-amz-[a-z-]{1,40}|x-goog-[a-z-]{1,40}|awsaccesskeyid|googleaccessid|sig|signature|sign|[a-z_-]{0,40}token|api_?key|key|code|password|secret|credential|policy|key-pair-id))(?<sign>=|%3D)(?<value>(?:(?!%26|&amp;|\\u0026)[^&;\s"'<>#])+)/gi,
  },
  {
    kind: "secret",
    hint: NAME_HINT,
    pattern: new RegExp(String.raw`(?<before>\b[\w-]{0,40}(?:${NAMES})\b)${SIGN}${QUOTED}`, "gi"),
  },
  {
    kind: "secret",
    hint: NAME_HINT,
    pattern: new RegExp(String.raw`(?<before>\b[\w-]{0,40}(?:${NAMES})\b)${SIGN}(?<value>[^\s"',;&<>\\}\])[]+)`, "gi"),
  },
  {
    kind: "password",
    hint: /:\/\//,
    pattern: /(?<before>\b[a-z][\w+.-]{0,20}:\/\/[^\s:/@]{0,200})(?<sign>:)(?<value>[^\s@/]{1,500})(?=@)/gi,
  },
  {
    kind: "password",
    hint: /:\/\//,
    pattern: /(?<before>\b[a-z][\w+.-]{0,20}:\/)(?<sign>\/)(?<value>[^\s:/@]{16,500})(?=@)/gi,
  },
  { kind: "jwt", hint: /eyJ/, pattern: /(?<value>\beyJ[\w-]{8,}\.[\w-]{2,}\.[\w-]*)/g },
  {
    kind: "key",
    hint: /_|-|AKIA|ASIA|AIza/,
    pattern:
      /(?<value>\bpk_[a-z]+_[\w-]{43}|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_\w{30,}|\bgithub_pat_\w{22,}|\bglpat-[\w-]{20,}|\bxox[a-z]-[\w-]{10,}|\b[rs]k_(?:live|test)_\w{16,}|\bsk-[\w-]{20,}|\bAIza[\w-]{35}|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?)/g,
  },
  {
    kind: "email",
    hint: /@|%40/,
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
      for (const { kind, hint, pattern } of RULES) {
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

const SECRET_ENDINGS =
  /(password|passwd|passphrase|pwd|secrets?|tokens?|authorization|cookies?|credentials?|signature|apikey|accesskey|accesskeyid|privatekey|secretkey|signingkey|sessionid)$/;

/** Is what stands under this name a secret, whatever it looks like? `clientSecret`, `x-api-key`, `REFRESH_TOKEN`. */
export function namesSecret(name: string): boolean {
  const letters = name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  return letters === "sig" || letters === "jwt" || SECRET_ENDINGS.test(letters);
}
