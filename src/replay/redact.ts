/** A history or a record without its secrets, in the same shape: payloads are decoded, redacted and encoded again. */
import { isUtf8 } from "node:buffer";
import { encodePayload, fromBase64, toBase64, type Payload } from "./history.ts";
import { createTextRedactor, namesSecret, type RedactionCounts } from "./redact-text.ts";

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
  /** A copy without secrets. Strings, names of members and payloads of any depth are looked at. */
  redact<T>(value: T): T;
}

interface Place {
  /** Below a name that says so: a secret whatever it looks like. */
  secret: boolean;
  /** Does a replay read what is here? The code gives the arguments of activities itself. */
  replayed: boolean;
}

/** Members of events that no replay reads. */
const UNREAD = new Set([
  "userMetadata",
  "workflowExecutionCompletedEventAttributes",
  "activityTaskScheduledEventAttributes",
]);
/** Shorter ones are words, which can look like base64. */
const BASE64_RUN = /[A-Za-z0-9+/]{22,}={0,2}/g;

/** One for a whole bundle, so that equal secrets stay equal. */
export function createRedactor(): Redactor {
  const texts = createTextRedactor();
  let [dropped, keptUnread] = [0, 0];

  function walk(value: unknown, place: Place): unknown {
    if (typeof value === "string") return place.secret ? texts.whole(value, "secret") : redactText(value);
    if (typeof value === "number") return place.secret ? 0 : value;
    if (Array.isArray(value)) return value.map((each) => walk(each, place));
    if (typeof value !== "object" || value === null) return value;
    if (isPayload(value)) return redactPayload(value, place);
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [
        texts.text(name),
        walk(member, { secret: place.secret || namesSecret(name), replayed: place.replayed && !UNREAD.has(name) }),
      ]),
    );
  }

  /** Also of what a text holds as JSON or in base64, to any depth. */
  function redactText(text: string): string {
    if (/^\s*[[{"]/.test(text)) {
      const document = parsed(text);
      if (document !== undefined) return redactDocument(text, document, { secret: false, replayed: true });
    }
    // The runs first: what they become has no letters that a rule could take for something else.
    const opened = text.replaceAll(BASE64_RUN, (run) => {
      const bytes = fromBase64(run);
      if (run.length % 4 !== 0 || !isUtf8(bytes) || toBase64(bytes.toString()) !== run) return run;
      const inner = bytes.toString();
      const redacted = redactText(inner);
      return redacted === inner ? run : toBase64(redacted);
    });
    return texts.text(opened);
  }

  function redactPayload(payload: Payload, place: Place): Payload {
    const metadata = Object.fromEntries(
      Object.entries(payload.metadata ?? {}).map(([name, value]) => [
        name,
        toBase64(texts.text(fromBase64(value).toString())),
      ]),
    );
    const { data } = payload;
    if (data === undefined || data === "") return { ...payload, metadata };
    const bytes = fromBase64(data);
    if (!isUtf8(bytes)) {
      if (place.replayed && !place.secret) {
        keptUnread += 1;
        return { ...payload, metadata };
      }
      dropped += 1;
      return encodePayload("redacted-binary-00000000");
    }
    const text = bytes.toString();
    const document = parsed(text);
    const redacted =
      document !== undefined
        ? redactDocument(text, document, place)
        : place.secret
          ? texts.whole(text, "secret")
          : redactText(text);
    return { ...payload, metadata, data: redacted === text ? data : toBase64(redacted) };
  }

  /** What holds no secret stays as it is, to the byte: numbers beyond 2⁵³ too. */
  function redactDocument(text: string, document: unknown, place: Place): string {
    const after = JSON.stringify(walk(document, place));
    return after === JSON.stringify(document) ? text : after;
  }

  return {
    report: () => ({ replaced: { ...texts.counts }, dropped, kept_unread: keptUnread }),
    redact: <T>(value: T): T => walk(value, { secret: false, replayed: true }) as T,
  };
}

function isPayload(value: object): value is Payload {
  const { metadata } = value as Payload;
  return typeof metadata === "object" && metadata !== null && typeof metadata["encoding"] === "string";
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
