/** What secrets look like: the names that they stand under, and the forms that give them away in a text. */

/** What was found, by its kind; in the order in which text is searched. */
export type SecretKind = "header" | "secret" | "signature" | "password" | "jwt" | "key" | "email";

export interface SecretRule {
  kind: SecretKind;
  /** What a text without such a secret has not, found ten times as fast: most texts have nothing. */
  hint: RegExp;
  /** Replaces the group `value`; what stands before it is `before`, `sign` and `quote`. Begins at a word of its own, or has a bound: a payload can hold megabytes of one word. */
  pattern: RegExp;
}

const KEY_NAMES = "api|access|private|secret|signing|encryption|session|shared|account|storage|master";
const NAMES = `(?:passwords?|passwd|passphrase|passcode|pwd|secret|token|credentials?|(?:${KEY_NAMES})[-_ ]?key(?:[-_ ]?id)?)(?:[-_ ]?(?:hash|value))?`;
/** Words of their own, or the last of a name, and in quotes: too short to be looked for in a sentence. */
const SHORT_NAME = String.raw`(?<before>["'](?:(?:[\w-]{0,40}[_-])?(?:[Aa]uth|AUTH|[Pp]ass|PASS|[Bb]earer|BEARER)|[\w-]{0,40}[a-z0-9](?:Auth|Pass))(?=\\*["']))`;
const SHORT_HINT = /auth|pass|bearer/i;
const HEADERS = String.raw`\b(?:(?:proxy-)?authorization|set-cookie|cookie|x-api-(?:key|token|secret)|x-auth(?:-[a-z]{1,20})?)`;
/** To the same quote, however often JSON has escaped it. */
const QUOTED = String.raw`(?<quote>\\*["'])(?<value>(?:(?!\k<quote>)(?:\\[^]|[^\\]))+)`;
const SIGN = String.raw`(?<sign>\\*["']?\s*(?:=>|[:=])\s*)`;
/** Between a header's name and its value in a list: `"X-Api-Key", "…"`, `{"name": "X-Api-Key", "value": "…"}`. */
const COMMA = String.raw`(?<sign>\\*["']\s*,\s*(?:\\*["']?value\\*["']?\s*:\s*)?)`;
const NAME = String.raw`\b[\w-]{0,40}(?:${NAMES})\b`;

/** A name in quotes, as `namesUrl` knows them, and its value up to the query. */
const URL_NAME = String.raw`(?<before>["'](?:(?:[\w-]{0,40}[_-])?[Uu][Rr][LlIi]|[\w-]{0,40}[a-z0-9]U(?:r[li]|R[LI]))`;
const URL_HEAD = String.raw`\\*["']\s{0,9}:\s{0,9}\\*["'][^"'\\?\s]{0,10000})`;
const URL_QUERY = String.raw`(?<sign>\?)(?<value>(?:\\+u0026|[^"'\s\\<>])+)`;
const URL_HINT = /ur[li]\\*["']/i;

const HEADER_HINT = /authorization|cookie|x-api-|x-auth/i;
const NAME_HINT = new RegExp(NAMES, "i");
const rule = (kind: SecretKind, hint: RegExp, pattern: string, flags = "gi"): SecretRule => ({
  ...{ kind, hint, pattern: new RegExp(pattern, flags) },
});

/** In this order; one finds nothing in what another has put in. */
export const SECRET_RULES: readonly SecretRule[] = [
  // A header in a dump of a request: all that is quoted, or everything to the end of the line.
  rule("header", HEADER_HINT, `(?<before>${HEADERS})${SIGN}${QUOTED}`),
  rule("header", HEADER_HINT, `(?<before>${HEADERS})${COMMA}${QUOTED}`),
  rule("header", HEADER_HINT, String.raw`(?<before>${HEADERS})${SIGN}(?<value>[^\s"'\\>][^\r\n]*)`),
  rule("header", /bearer/i, String.raw`(?<before>\bbearer)(?<sign>\s+)(?<value>[\w.~+/=-]{8,})`),
  rule(
    "header",
    /basic/i,
    String.raw`(?<before>\b[Bb]asic)(?<sign>\s+)(?<value>(?=[a-z+/]*[0-9A-Z=])[A-Za-z0-9+/]{8,}={0,2})(?![\w-])`,
    "g",
  ),
  // What is named a URL is one that somebody has sent, and any part of its query can be the key to it.
  rule("signature", URL_HINT, `${URL_NAME}${URL_HEAD}${URL_QUERY}`, "g"),
  // Signed URLs, also inside another URL's query (%3F, %26, %3D) and in escaped HTML or JSON.
  rule(
    "signature",
    /[?&;]|%3F|%26|\\u0026/i,
    String.raw`(?<before>(?:[?&;]|&amp;|\\u0026|%3F|%26)(?:x-amz-[a-z-]{1,40}|x-goog-[a-z-]{1,40}|awsaccesskeyid|googleaccessid|sig|signature|sign|md5|hmac|hash|verify|hdnea|hdnts|rlkey|[a-z_-]{0,40}token|api_?key|key|code|pass(?:word|wd)?|secret|credential|policy|key-pair-id|auth|session(?:_?id)?|sid))(?<sign>=|%3D)(?<value>(?:(?!%26|&amp;|\\u0026)[^&;\s"'<>#])+)`,
  ),
  rule("secret", NAME_HINT, `(?<before>${NAME})${SIGN}${QUOTED}`),
  rule("secret", NAME_HINT, String.raw`(?<before>${NAME})${SIGN}(?<value>[^\s"',;&<>\\}\])[]+)`),
  rule("secret", /%3D|%3A/i, String.raw`(?<before>${NAME})(?<sign>%3[DA])(?<value>(?:(?!%26)[^\s"',;&<>\\}\])[])+)`),
  // `--password X`, `<password>X</password>`, `curl -u name:X`.
  rule("secret", /--/, String.raw`(?<before>--[\w-]{0,40}(?:${NAMES}))(?<sign>\s+|\\*["']\s*,\s*)${QUOTED}`),
  rule("secret", /--/, String.raw`(?<before>--[\w-]{0,40}(?:${NAMES}))(?<sign>\s+)(?<value>[^\s"'\\-][^\s"'\\]*)`),
  rule(
    "secret",
    /</,
    String.raw`(?<before><[\w.:-]{0,80}(?:${NAMES})(?:\s[^<>]{0,200})?)(?<sign>>\s*(?:<!\[CDATA\[)?)(?<value>[^<>\]\s][^<>\]]*)`,
  ),
  rule(
    "password",
    /-u|--user/,
    String.raw`(?<before>(?<![\w-])(?:-u|--(?:proxy-)?user))(?<sign>[ =]{0,4}\\*["']?[^\s:"'\\]{1,200}:)(?<value>[^\s"'\\]+)`,
    "g",
  ),
  rule("secret", SHORT_HINT, `${SHORT_NAME}${SIGN}${QUOTED}`, "g"),
  rule("secret", SHORT_HINT, String.raw`${SHORT_NAME}${SIGN}(?<value>[^\s"',;&<>\\}\])[]+)`, "g"),
  rule(
    "secret",
    /pass/i,
    String.raw`(?<before>\b(?:[\w-]{0,40}[_-])?pass)(?<sign>\s*=\s*)(?<value>[^\s"',;&<>\\}\])[]+)`,
  ),
  // A password in a URL may hold slashes; what begins like a port and a path is one.
  rule(
    "password",
    /:\/\//,
    String.raw`(?<before>\b[a-z][\w+.-]{0,20}:\/\/[^\s:/@[]{0,10000})(?<sign>:)(?<value>(?!\d{1,5}(?:[/?#,]|$))(?:(?!:\/\/)[^\s@"<>\\]){1,10000})(?=@)`,
  ),
  rule("password", /:\/\//, String.raw`(?<before>\b[a-z][\w+.-]{0,20}:\/)(?<sign>\/)(?<value>[^\s:/@]{16,10000})(?=@)`),
  rule("jwt", /eyJ/, String.raw`(?<value>\beyJ[\w-]{8,1000}\.[\w-]{2,}\.[\w-]*)`, "g"),
  rule(
    "key",
    /hooks\.slack/i,
    String.raw`(?<before>hooks\.slack\.com(?:\/|%2F)(?:services|workflows|triggers))(?<sign>\/|%2F)(?<value>[\w/%-]+)`,
  ),
  // What is known by its beginning, wherever it stands.
  rule(
    "key",
    /_|-|AKIA|ASIA|AIza|SG\./,
    String.raw`(?<value>\bpk_[a-z]{1,40}_[\w-]{43}|(?:AKIA|ASIA)[0-9A-Z]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{22,}|glpat-[\w-]{20,}|npm_[A-Za-z0-9]{20,}|whsec_[A-Za-z0-9+/=_-]{16,}|SG\.[\w-]{16,100}\.[\w-]{16,}|xox[a-z]-[\w-]{10,}|xapp-[\w-]{10,}|\b[rs]k_(?:live|test)_\w{16,}|\bsk-[\w-]{20,}|AIza[\w-]{35}|-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----[^-]*(?:-(?!----)[^-]*)*(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----)?)`,
    "g",
  ),
  rule(
    "email",
    /@|%40/,
    String.raw`(?<value>[\p{L}\p{N}._%+'-]{1,64}(?:@|%40)[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){0,8}\.\p{L}{2,24})`,
    "gu",
  ),
];

const SECRET_ENDINGS = new RegExp(
  `(?:passwords?|passwd|passphrase|passcode|pwd|secrets?|tokens?|authorization|cookies?|credentials?|signature|bearer|(?:${KEY_NAMES})keys?(?:id)?|sessionid)(?:hash|value)?$`,
);
/** Endings of words of their own: `X-Auth`, `smtp_pass`, `dbPass`, and neither `bypass` nor `oauth`. */
const SHORT_ENDING = /(?:^|[^a-z0-9])(?:auth|pass)$/i;
const SHORT_HUMP = /[a-z0-9](?:Auth|Pass)$/;

/** `url`, `file_url`, `sourceURI`, and neither `curl` nor `urls`. */
const URL_ENDING = /(?:^|[^a-z0-9])ur[li]$/i;
const URL_HUMP = /[a-z0-9]U(?:r[li]|R[LI])$/;

/** Does a URL stand under this name? */
export const namesUrl = (name: string): boolean => URL_ENDING.test(name) || URL_HUMP.test(name);

/** Is what stands under this name a secret, whatever it looks like? `clientSecret`, `x-api-key`, `REFRESH_TOKEN`. */
export function namesSecret(name: string): boolean {
  const letters = name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  if (letters === "sig" || letters === "jwt" || SECRET_ENDINGS.test(letters)) return true;
  return SHORT_ENDING.test(name) || SHORT_HUMP.test(name);
}
