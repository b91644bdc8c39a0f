import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { JOB_TYPES } from "../../contract/job-types.ts";
import { bundleText } from "../../src/replay/bundle.ts";
import { createReplayer, type Replayer } from "../../src/replay/create-replayer.ts";
import { parseNamed } from "../../src/replay/find-history.ts";
import { readHistoryText } from "../../src/replay/history-file.ts";
import { attributesOf, decodePayload, fromBase64, type History, type Payload } from "../../src/replay/history.ts";
import { quietRuntime } from "../../src/replay/quiet-runtime.ts";
import { ROOT } from "../rules/source-files.ts";

const JOB = "01a20723-4cd2-7355-a091-deab55d15b2a";
const RUN = "01a20723-4ce2-78f9-a59c-eff324eb56c2";

describe("a job can be named", () => {
  const ours = { workflow_ids: [`publish-${JOB}`], job_id: JOB };
  // Of which type it is the id does not say.
  const anyType = { workflow_ids: Object.keys(JOB_TYPES).map((type) => `${type}-${JOB}`), job_id: JOB };
  const table: [name: string, is: object | null][] = [
    [`job_${JOB.replaceAll("-", "")}`, anyType],
    [JOB, anyType],
    [`publish-${JOB}`, ours],
    [`bulk_import-${JOB}`, { workflow_ids: [`bulk_import-${JOB}`], job_id: JOB }],
    [`http://127.0.0.1:8233/namespaces/default/workflows/publish-${JOB}`, { ...ours, namespace: "default" }],
    [
      `https://t.example.org/ui/namespaces/map%20team/workflows/publish-${JOB}/${RUN}/history?sort=asc`,
      { ...ours, namespace: "map team", run_id: RUN },
    ],
    [
      `http://h/namespaces/default/workflows/publish-${JOB}/${RUN}/timeline#x`,
      { ...ours, namespace: "default", run_id: RUN },
    ],
    [
      "http://h/namespaces/default/workflows/nightly%2Freport",
      { workflow_ids: ["nightly/report"], job_id: null, namespace: "default" },
    ],
    ["publish-12", null],
    ["http://h/namespaces/default/workflows/%E0%A4%A", null],
    [`http://h/namespaces/%E0%A4%A/workflows/publish-${JOB}`, null],
    ["downloads/events.json", null],
  ];
  it.each(table)("%s", (name, is) => {
    expect(parseNamed(name)).toEqual(is);
  });
});

it("a document of ours that looks like a payload is encoded like every other", () => {
  const document = { metadata: { encoding: "png" }, data: "AAAA" };
  const [first] = JSON.parse(printed).events;
  first.workflowExecutionStartedEventAttributes.input.payloads = [document];
  const { history } = readHistoryText(JSON.stringify([first]));
  const { input } = attributesOf(history.events[0]!) as { input?: { payloads?: Payload[] } };
  expect(decodePayload(input!.payloads![0]!)).toEqual(document);
});

/** What the CLI prints, with a cancelled upload in it. */
const printed = readFileSync(join(ROOT, "test/histories/publish/0.1-cancelled-in-upload.json"), "utf8");
const { events } = JSON.parse(printed) as History;

/** As the Web UI shows and downloads payloads when it is told to decode them. */
function decoded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decoded);
  if (typeof value !== "object" || value === null) return value;
  const { metadata, data } = value as Payload;
  if (metadata?.["encoding"]) return JSON.parse(fromBase64(data ?? "").toString() || "null");
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, decoded(member)]));
}

/** The same with the frame of a payload kept. */
function opened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(opened);
  if (typeof value !== "object" || value === null) return value;
  const { metadata, data } = value as Payload;
  if (metadata?.["encoding"])
    return { metadata: { encoding: fromBase64(metadata["encoding"]).toString() }, data: decoded({ metadata, data }) };
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, opened(member)]));
}

describe("a file is read, and replays, in each of its forms", () => {
  let replay: Replayer;
  beforeAll(async () => {
    quietRuntime();
    replay = await createReplayer();
  });
  const camel = (type: string): string =>
    type
      .replace("EVENT_TYPE_", "")
      .toLowerCase()
      .replaceAll(/(^|_)([a-z])/g, (_, _bar, letter: string) => letter.toUpperCase());
  const forms: Record<string, string> = {
    "what `temporal workflow show --output json` prints": printed,
    "a list of events alone": JSON.stringify(events),
    "a download of the Web UI, with numbers for ids": JSON.stringify({
      events: events.map((event) => ({ ...event, eventId: Number(event.eventId) })),
    }),
    "one with the short names of types": JSON.stringify({
      events: events.map((event) => ({ ...event, eventType: camel(event.eventType) })),
    }),
    "one with decoded payloads": JSON.stringify({ events: decoded(events) }),
    "one with payloads that were opened in their frames": JSON.stringify({ events: opened(events) }),
  };
  it.each(Object.entries(forms))("%s", async (_, text) => {
    const found = readHistoryText(text);
    expect(found).toMatchObject({ workflow_id: `publish-${JOB}`, run_id: RUN, bundle: null });
    for await (const { divergence, commands } of replay([found])) {
      expect(divergence).toBeNull();
      expect(commands.size).toBe(6);
    }
  });

  it("a bundle", async () => {
    const versions = { platen: "0.2.0", node: "v24", temporal: "1", commit: null };
    const source = { workflow_id: `publish-${JOB}`, run_id: RUN, job: { id: JOB }, runs: [], versions };
    let text = "";
    for await (const piece of bundleText({ ...source, pages: [events.slice(0, 10), [], events.slice(10)] }))
      text += piece;
    const found = readHistoryText(text);
    expect(found.history.events).toHaveLength(events.length);
    expect(found.bundle).toMatchObject({
      format: "platen-replay/1",
      job: { id: JOB },
      versions,
      redactions: { dropped: 0 },
    });
    expect(found.bundle?.ran_by).toEqual([expect.stringMatching(/^@temporalio\/worker@/)]);
    for await (const { divergence } of replay([found])) expect(divergence).toBeNull();
  });
});

const bundle = {
  ...{ format: "platen-replay/1", made_at: "2026-01-01T00:00:00.000Z", workflow_id: "w", run_id: "r", job: null },
  ...{ runs: [], versions: { platen: "1" }, ran_by: [], redactions: { replaced: {}, dropped: 0, kept_unread: 0 } },
  history: { events },
};
const changed = (at: number, change: object): string =>
  JSON.stringify(events.map((event, index) => (index === at ? { ...event, ...change } : event)));

describe("what is no history is refused, with what is wrong", () => {
  const table: [text: string, says: RegExp][] = [
    ["", /it is not JSON/],
    ['{"a": 1}', /it holds no history/],
    ["[]", /it holds no history/],
    [JSON.stringify({ events: events.toReversed() }), /its first event is not the start of a workflow/],
    [
      '{"format": "platen-replay/9", "history": {"events": []}}',
      /its format is platen-replay\/9, and this platen reads platen-replay\/1/,
    ],
    ['{"format": "platen-replay/1"}', /a bundle without a history/],
    ...["versions", "ran_by", "redactions", "runs", "made_at"].flatMap((name): [string, RegExp][] => [
      [JSON.stringify({ ...bundle, [name]: undefined }), new RegExp(`a bundle whose \`${name}\` is missing or wrong`)],
      [JSON.stringify({ ...bundle, [name]: null }), new RegExp(`a bundle whose \`${name}\` is missing or wrong`)],
    ]),
    [JSON.stringify(events.toSpliced(3, 1)), /its event 4 is missing, the number 5 stands there: download it again/],
    [changed(3, { eventType: "EVENT_TYPE_NEW_THING" }), /its event 4, EVENT_TYPE_NEW_THING, has no `newThingEvent/],
    [
      changed(3, { workflowTaskCompletedEventAttributes: null }),
      /its event 4, EVENT_TYPE_WORKFLOW_TASK_COMPLETED, has/,
    ],
  ];
  it("but for the bundle that they were made of", () => {
    expect(readHistoryText(JSON.stringify(bundle)).history.events).toHaveLength(events.length);
  });
  it.each(table)("%.40s", (text, says) => {
    expect(() => readHistoryText(text)).toThrow(says);
  });
});
