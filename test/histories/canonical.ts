/**
 * A recorded history in a form in which two recordings of one scenario are equal: whatever another run has otherwise (ids, times, places)
 * becomes a placeholder of the same shape, numbered as it appears. Each JSON payload gets a member `json` that shows what is
 * encoded in it, so that a difference can be read; whoever replays the file passes it over.
 */
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Members = { [name: string]: Json };

const START = Date.parse("2026-01-01T00:00:00.000Z");
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
/** Members that another recording has otherwise, and that no replay looks at. */
const LEFT_OUT = new Set(["historySizeBytes", "workerVersion"]);
/** Maps: the server gives their members in any order. */
const UNORDERED = new Set(["fields", "indexedFields"]);

/** In this order; `number` counts the different ones of a kind. */
const PLACEHOLDERS: { kind: string; pattern: RegExp; as: (number: number) => string }[] = [
  { kind: "release", pattern: /rel_\d{14}_[0-9a-f]{8}/g, as: (n) => `rel_20260101000000_${hex(n, 8)}` },
  { kind: "uuid", pattern: /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, as: (n) => `00000000-0000-7000-8000-${hex(n, 12)}` },
  { kind: "project", pattern: /\btown-[0-9a-f]{8}/g, as: (n) => `town-${hex(n, 8)}` },
  { kind: "queue", pattern: /\b(?:test|rigged)-[0-9a-f]{12}-/g, as: () => "golden-" },
  { kind: "sticky", pattern: /\d+@[\w.-]+-[0-9a-f]{32}/g, as: () => "1@worker-sticky" },
  { kind: "identity", pattern: /\b\d+@[\w.-]+/g, as: (n) => `${n}@golden` },
  { kind: "digest", pattern: /\b[0-9a-f]{64}\b/g, as: (n) => hex(n, 64) },
  { kind: "time", pattern: /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, as: () => new Date(START).toISOString() },
  { kind: "address", pattern: /\b127\.0\.0\.1:\d+/g, as: () => "127.0.0.1:7233" },
  { kind: "folder", pattern: new RegExp(String.raw`${escaped(tmpdir())}/platen-[\w-]+`, "g"), as: () => "/store" },
];
const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, "0");

/** `history`: as `temporal workflow show --output json` prints it. The same of its own answer. */
export function canonicalHistory(history: { events: unknown[] }): { events: Members[] } {
  const replace = createPlaceholders();
  const events = (history.events as Members[]).map((event, index) => {
    const told = canonical(event, replace) as Members;
    // A second an event: how long each took is no matter, and the order is the events'.
    return { ...told, eventTime: new Date(START + index * 1_000).toISOString(), taskId: String(index + 1) };
  });
  return { events };
}

function createPlaceholders(): (text: string) => string {
  const numbers = new Map<string, Map<string, number>>();
  return (text) => {
    let told = withoutPlaces(text);
    for (const { kind, pattern, as } of PLACEHOLDERS) {
      const known = numbers.get(kind) ?? new Map<string, number>();
      numbers.set(kind, known);
      told = told.replaceAll(pattern, (found) => {
        const number = known.get(found) ?? known.size + 1;
        known.set(found, number);
        return as(number);
      });
    }
    return told;
  };
}

/** Stack traces keep the functions of this repository: folders and lines are those of whoever recorded, and change with every edit. */
function withoutPlaces(text: string): string {
  if (!/^\s+at /m.test(text)) return text.replaceAll(ROOT, "platen/");
  const lines = text.split("\n").filter((line) => !/node_modules|node:|<anonymous>/.test(line));
  return lines
    .map((line) => line.replace(`file://${ROOT}`, ROOT).replace(ROOT, "platen/").replace(/:\d+:\d+\)?$/, (end) => (end.endsWith(")") ? ")" : "")))
    .join("\n");
}

function canonical(value: Json, replace: (text: string) => string): Json {
  if (typeof value === "string") return replace(value);
  if (Array.isArray(value)) return value.map((each) => canonical(each, replace));
  if (typeof value !== "object" || value === null) return value;
  const json = payloadOf(value);
  if (json !== undefined) return { metadata: sorted(value["metadata"] as Members), ...encoded(canonical(json, replace)) };
  const members = Object.entries(value).filter(([name]) => !LEFT_OUT.has(name));
  return Object.fromEntries(members.map(([name, member]) => [name, memberOf(name, member, replace)]));
}

function memberOf(name: string, member: Json, replace: (text: string) => string): Json {
  // The SDK tells its flags in any order.
  if (name === "coreUsedFlags" && Array.isArray(member)) return member.toSorted((a, b) => Number(a) - Number(b));
  if (name === "buildId") return "golden";
  const isMap = UNORDERED.has(name) && typeof member === "object" && member !== null;
  return canonical(isMap ? sorted(member as Members) : member, replace);
}

const sorted = (members: Members): Members =>
  Object.fromEntries(Object.entries(members).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** What a payload holds, when that is JSON. */
function payloadOf(value: Members): Json | undefined {
  const { metadata, data } = value as { metadata?: Members; data?: Json };
  const encoding = metadata?.["encoding"];
  if (typeof encoding !== "string" || typeof data !== "string") return undefined;
  if (Buffer.from(encoding, "base64").toString() !== "json/plain") return undefined;
  return JSON.parse(Buffer.from(data, "base64").toString()) as Json;
}

const encoded = (json: Json): Members => ({ data: Buffer.from(JSON.stringify(json)).toString("base64"), json });
