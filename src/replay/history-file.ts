/**
 * Files with a history: a bundle of ours, what `temporal workflow show --output json` prints, what the Web UI downloads; with or without
 * `{"events": …}` around it, payloads encoded or, as the Web UI can be told, decoded.
 */
import { jobIdOf } from "./job-of-history.ts";
import { BUNDLE_FORMAT, type Bundle } from "./bundle.ts";
import { attributesOf, encodePayload, fromBase64, type History, type HistoryEvent } from "./history.ts";

export interface FoundHistory {
  workflow_id: string;
  run_id: string | null;
  history: History;
  /** Where there was one around it. */
  bundle: Omit<Bundle, "history"> | null;
}

/** Error: what is wrong with the text, as a sentence's end. */
export function readHistoryText(text: string): FoundHistory {
  const document = parse(text);
  if (isBundle(document)) {
    const { history, ...bundle } = document;
    return { workflow_id: bundle.workflow_id, run_id: bundle.run_id, history: normal(history.events), bundle };
  }
  const events = Array.isArray(document) ? document : (document as { events?: unknown } | null)?.events;
  const history = normal(events);
  const started = attributesOf(history.events[0]!);
  return {
    workflow_id: jobIdOf(history) ?? "unknown",
    run_id: started.originalExecutionRunId ?? null,
    history,
    bundle: null,
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`it is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

function isBundle(document: unknown): document is Bundle {
  const { format, history, ...head } = (document ?? {}) as Partial<Bundle>;
  if (typeof format !== "string" || !format.startsWith("platen-replay/")) return false;
  if (format !== BUNDLE_FORMAT) throw new Error(`its format is ${format}, and this platen reads ${BUNDLE_FORMAT}`);
  if (!Array.isArray(history?.events)) throw new Error("it is a bundle without a history");
  const missing = Object.entries(HEAD).find(([name, fits]) => !fits(head[name as keyof typeof HEAD]))?.[0];
  if (missing) throw new Error(`it is a bundle whose \`${missing}\` is missing or wrong: it was cut or changed`);
  return true;
}

const isText = (value: unknown): boolean => typeof value === "string";
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
/** What is read of a bundle beside its events. */
const HEAD = {
  made_at: isText,
  workflow_id: isText,
  run_id: isText,
  runs: Array.isArray,
  versions: (value) => isObject(value) && isText(value["platen"]),
  ran_by: (value) => Array.isArray(value) && value.every(isText),
  redactions: (value) => isObject(value) && isObject(value["replaced"]),
} satisfies Record<string, (value: unknown) => boolean>;

/** Whoever replays it trusts that no event is missing: the SDK waits for ever for what does not come. */
function normal(events: unknown): History {
  const isEvent = (each: unknown): boolean => typeof (each as HistoryEvent | null)?.eventType === "string";
  if (!Array.isArray(events) || events.length === 0 || !events.every(isEvent))
    throw new Error("it holds no history: neither a list of events nor an object with `events`");
  const list = events as HistoryEvent[];
  if (!("workflowExecutionStartedEventAttributes" in list[0]!))
    throw new Error("its first event is not the start of a workflow: it was cut, or is newest first");
  for (const [at, event] of list.entries()) {
    if (String(event.eventId) !== String(at + 1))
      throw new Error(
        `its event ${at + 1} is missing, the number ${String(event.eventId)} stands there: download it again, as a whole`,
      );
    const attributes = attributesKey(longType(event.eventType));
    if (!isObject(event[attributes]))
      throw new Error(
        `its event ${at + 1}, ${event.eventType}, has no \`${attributes}\`: it was changed, so download it again`,
      );
  }
  return {
    events: list.map((event) => ({
      ...(encoded(event) as HistoryEvent),
      eventId: String(event.eventId),
      eventType: longType(event.eventType),
    })),
  };
}

/** Web UIs of before had `ActivityTaskScheduled` for `EVENT_TYPE_ACTIVITY_TASK_SCHEDULED`. */
function longType(type: string): string {
  return type.startsWith("EVENT_TYPE_") ? type : `EVENT_TYPE${type.replaceAll(/[A-Z]/g, "_$&").toUpperCase()}`;
}

/** `activityTaskScheduledEventAttributes` of `EVENT_TYPE_ACTIVITY_TASK_SCHEDULED`. */
function attributesKey(type: string): string {
  const words = type.replace("EVENT_TYPE_", "").toLowerCase();
  return `${words.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())}EventAttributes`;
}

const PLAIN_ENCODING = /^(json|binary)\/[a-z]+$/;
const ENCODING = /^[\w.+-]+\/[\w.+-]+$/;

/** Payloads that were decoded for reading are encoded again: a replay reads them as the server keeps them. */
function encoded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(encoded);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (name === "payloads" && Array.isArray(member)) return [name, member.map(payload)];
      const fields = ["memo", "header", "searchAttributes", "details", "userMetadata"].includes(name);
      return [name, fields ? encodedFields(name, member) : encoded(member)];
    }),
  );
}

/** Maps whose values are payloads: `{fields: {…}}`, `{indexedFields: {…}}`, `{summary, details}`. */
function encodedFields(name: string, member: unknown): unknown {
  if (typeof member !== "object" || member === null) return member;
  const map = (values: object): object =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, payload(value)]));
  if (name === "userMetadata") return map(member);
  return Object.fromEntries(
    Object.entries(member).map(([key, value]) =>
      (key === "fields" || key === "indexedFields") && typeof value === "object" && value !== null
        ? [key, map(value)]
        : [key, key === "payloads" && Array.isArray(value) ? value.map(payload) : encoded(value)],
    ),
  );
}

function payload(value: unknown): unknown {
  const { metadata, data } = (value ?? {}) as { metadata?: Record<string, unknown>; data?: unknown };
  const encoding = metadata?.["encoding"];
  if (typeof encoding !== "string") return encodePayload(value);
  // The Web UI's decoded form keeps the frame and opens what is in it.
  if (PLAIN_ENCODING.test(encoding)) return encodePayload(data);
  // A document of ours can have such members, too: `{"metadata": {"encoding": "png"}}` is no frame.
  return ENCODING.test(fromBase64(encoding).toString()) ? value : encodePayload(value);
}
