/** A history or a record without its secrets, in the same shape: payloads are decoded, redacted and encoded again. */
import { isUtf8 } from "node:buffer";
import { encodePayload, fromBase64, toBase64, type Payload } from "./history.ts";
import { redactBase64 } from "./redact-base64.ts";
import { createTextRedactor, type RedactionCounts } from "./redact-text.ts";
import { namesSecret, namesUrl } from "./secret-rules.ts";

export interface RedactionReport {
  /** How many secrets were replaced, by kind. */
  replaced: RedactionCounts;
  /** Payloads that are no text, e.g. encrypted ones, and not needed to replay: a placeholder stands for each. */
  dropped: number;
  /** Such payloads that are needed: kept as they are, unread. */
  kept_unread: number;
}

export interface Redactor {
  report(): RedactionReport;
  /** A copy of an event without secrets. Strings, names of members and payloads of any depth are looked at. */
  redact<T>(value: T): T;
  /** The same of a document of ours, in which nothing is a payload, whatever it looks like. */
  redactDocument<T>(value: T): T;
}

interface Place {
  /** Below a name that says so: a secret whatever it looks like. */
  secret: boolean;
  /** Right below a name that says so: a URL, whose query is a secret whatever its parts are called. */
  url: boolean;
  /** Does a replay read what is here? The code gives the arguments of activities itself. */
  replayed: boolean;
  /** In what was decoded, which can have members of any name. */
  document: boolean;
  depth: number;
}

/** In what nobody has looked at yet. */
const OUTSIDE: Place = { secret: false, url: false, replayed: true, document: false, depth: 0 };
const INSIDE: Place = { ...OUTSIDE, document: true };
/** Nobody nests deeper who means well, and each level takes room on the stack. */
const MAX_DEPTH = 300;

/** Members of events that no replay reads. */
const UNREAD = new Set([
  "userMetadata",
  "workflowExecutionCompletedEventAttributes",
  "activityTaskScheduledEventAttributes",
]);
/** One for a whole bundle, so that equal secrets stay equal. */
export function createRedactor(): Redactor {
  const texts = createTextRedactor();
  let [dropped, keptUnread] = [0, 0];

  function walk(value: unknown, place: Place): unknown {
    if (typeof value === "string") {
      if (place.secret) return texts.whole(value, "secret");
      return place.url ? redactUrl(value) : redactText(value);
    }
    if (typeof value === "number") return place.secret ? 0 : value;
    if (typeof value !== "object" || value === null) return value;
    if (place.depth > MAX_DEPTH) return texts.whole("nested too deep", "secret");
    const inner = { ...place, depth: place.depth + 1 };
    if (Array.isArray(value)) return walkList(value, inner);
    if (!place.document && isPayload(value)) return redactPayload(value, place);
    const named = namedSecret(value);
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [
        texts.text(name),
        walk(member, {
          ...inner,
          secret: place.secret || namesSecret(name) || name === named,
          url: namesUrl(name),
          replayed: place.replayed && !UNREAD.has(name),
        }),
      ]),
    );
  }

  function walkList(list: unknown[], place: Place): unknown[] {
    if (!place.secret && isBytes(list)) return redactBytes(list);
    // `["X-Api-Key", "…"]`, and what a command is called with: `["--password", "…"]`.
    const pairs = list.length % 2 === 0 && list.every((each) => typeof each === "string");
    const names = (each: unknown, at: number): boolean =>
      typeof each === "string" && ((pairs && at % 2 === 0) || /^--?\w/.test(each)) && namesSecret(each);
    return list.map((each, at) => walk(each, names(list[at - 1], at - 1) ? { ...place, secret: true } : place));
  }

  function redactUrl(url: string): string {
    const at = url.indexOf("?");
    if (at === -1 || at === url.length - 1) return redactText(url);
    return `${redactText(url.slice(0, at))}?${texts.whole(url.slice(at + 1), "signature")}`;
  }

  /** As `Buffer.toJSON` has them. */
  function redactBytes(list: number[]): number[] {
    const bytes = Buffer.from(list);
    if (!isUtf8(bytes)) return list;
    const text = bytes.toString();
    const redacted = redactText(text);
    return redacted === text ? list : [...Buffer.from(redacted)];
  }

  /** Also of what a text holds as JSON or in base64, to any depth. */
  function redactText(text: string): string {
    if (/^\s*[[{"]/.test(text)) {
      const document = parsed(text);
      if (document !== undefined) return redactDocument(text, document, INSIDE);
    }
    // The runs first: what they become has no letters that a rule could take for something else.
    return texts.text(redactBase64(text, redactText));
  }

  /** Nothing but these two: what someone has written beside them, for people, is as secret as they are. */
  function redactPayload(payload: Payload, place: Place): Payload {
    const metadata = Object.fromEntries(
      Object.entries(payload.metadata ?? {}).map(([name, value]) => [name, redactMetadata(value)]),
    );
    const { data } = payload;
    if (typeof data !== "string" || data === "") return data === "" ? { metadata, data } : { metadata };
    const bytes = fromBase64(data);
    if (!isUtf8(bytes)) {
      if (place.replayed && !place.secret) {
        keptUnread += 1;
        return { metadata, data };
      }
      dropped += 1;
      return encodePayload("redacted-binary-00000000");
    }
    const text = bytes.toString();
    const document = parsed(text);
    const redacted =
      document !== undefined
        ? redactDocument(text, document, { ...place, document: true, depth: 0 })
        : place.secret
          ? texts.whole(text, "secret")
          : redactText(text);
    return { metadata, data: redacted === text ? data : toBase64(redacted) };
  }

  function redactMetadata(value: unknown): string {
    if (typeof value !== "string") return "";
    const text = fromBase64(value).toString();
    const redacted = texts.text(text);
    return redacted === text ? value : toBase64(redacted);
  }

  /** What holds no secret stays as it is, to the byte: numbers beyond 2⁵³ too. */
  function redactDocument(text: string, document: unknown, place: Place): string {
    if (isDeep(document))
      return place.secret ? texts.whole(text, "secret") : texts.text(redactBase64(text, redactText));
    const after = JSON.stringify(walk(document, place));
    return after === JSON.stringify(document) ? text : after;
  }

  return {
    report: () => ({ replaced: { ...texts.counts }, dropped, kept_unread: keptUnread }),
    redact: <T>(value: T): T => walk(value, OUTSIDE) as T,
    redactDocument: <T>(value: T): T => walk(value, INSIDE) as T,
  };
}

function isPayload(value: object): value is Payload {
  const { metadata } = value as Payload;
  return typeof metadata === "object" && metadata !== null && typeof metadata["encoding"] === "string";
}

/** `{name: "X-Api-Key", value: "…"}`: the member beside the name, null where the name is a harmless one. */
function namedSecret(value: object): string | null {
  const member = (names: string[]): string | undefined =>
    Object.keys(value).find((name) => names.includes(name.toLowerCase()));
  const name = (value as Record<string, unknown>)[member(["name", "key", "header"]) ?? ""];
  return typeof name === "string" && namesSecret(name) ? (member(["value", "values"]) ?? null) : null;
}

const isBytes = (list: unknown[]): list is number[] =>
  list.length >= 8 && list.every((each) => Number.isInteger(each) && (each as number) >= 0 && (each as number) < 256);

/** Level by level: one that goes down into it would be what it guards against. */
function isDeep(document: unknown): boolean {
  let level: unknown[] = [document];
  for (let depth = 0; depth <= MAX_DEPTH; depth++) {
    level = level.flatMap((each) => (typeof each === "object" && each !== null ? Object.values(each) : []));
    if (level.length === 0) return false;
  }
  return true;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
