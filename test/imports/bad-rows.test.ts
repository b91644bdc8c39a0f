/** Bad rows, as a table: each with its code, its line, column and value, and what is wrong with it; the rows beside it are read. */
import { describe, expect, it } from "vitest";
import type { BulkImportPayload } from "../../contract/bulk-import.ts";
import { readFile } from "./read-file.ts";
import { workbook } from "./workbook.ts";

const row = (header: string, values: string): string => `ref,${header}\nplot-1,${values}\nplot-2,\n`;
type Wrong = [
  string,
  Buffer | string | (() => Promise<Buffer>),
  { line: number; code: string; column: string | null; value: string | null },
  RegExp,
  BulkImportPayload?,
];
const typed = (type: "number" | "integer" | "boolean" | "date" | "json"): BulkImportPayload => ({
  columns: { x: { to: "x", type } },
});
const x = { line: 2, column: "x", code: "value_invalid" };

const ROWS: Wrong[] = [
  ["no ref", "ref,x\n ,1\nplot-2,1\n", { line: 2, code: "ref_missing", column: null, value: null }, /has no ref/],
  [
    "an id and no ref, which another member has",
    '{"id":"plot-1"}\n{"id":"x","Plot":"plot-2"}',
    { line: 1, code: "ref_missing", column: null, value: null },
    /has no ref/,
    { ref_column: "Plot" },
  ],
  [
    "an id of a Feature and no ref, which another property has",
    ["plot-1", "x"]
      .map((id, at) => JSON.stringify({ type: "Feature", id, properties: at === 0 ? {} : { Plot: "plot-2" } }))
      .join("\n"),
    { line: 1, code: "ref_missing", column: null, value: null },
    /has no ref/,
    { ref_column: "Plot" },
  ],
  [
    "a ref of 201 characters",
    `ref,x\n${"a".repeat(201)},1\nplot-2,1\n`,
    { line: 2, code: "ref_invalid", column: "ref", value: `${"a".repeat(100)}…` },
    /200 characters/,
  ],
  [
    "a ref with a line end",
    'ref,x\n"a\nb",1\nplot-2,1\n',
    { line: 2, code: "ref_invalid", column: "ref", value: "a\nb" },
    /control characters/,
  ],
  [
    "a value too many",
    row("x", "1,2"),
    { line: 2, code: "row_too_long", column: "column 3", value: "2" },
    /beyond the header/,
  ],
  ["a NUL", row("x", "a\0b"), { line: 2, code: "value_not_storable", column: "x", value: "a\\u0000b" }, /NUL/],
  [
    "a NUL in a workbook",
    () =>
      workbook([
        ["ref", "x"],
        ["plot-1", "a_x0000_b"],
        ["plot-2", "c"],
      ]),
    { line: 2, code: "value_not_storable", column: "x", value: "a\\u0000b" },
    /NUL/,
  ],
  [
    "half a surrogate pair",
    '{"ref":"plot-1","x":"\\ud800"}\n{"ref":"plot-2"}',
    { line: 1, code: "value_not_storable", column: "x", value: "\\ud800" },
    /half a surrogate pair/,
  ],
  [
    "half a surrogate pair deep within",
    '{"ref":"plot-1","x":[{"y":"\\udc00"}]}\n{"ref":"plot-2"}',
    { line: 1, code: "value_not_storable", column: "x", value: expect.any(String) as string },
    /half a surrogate pair/,
  ],
  ["words for a number", row("x", "many"), { ...x, value: "many" }, /must be a number/, typed("number")],
  ["a number beyond all", row("x", "1e309"), { ...x, value: "1e309" }, /below 1\.8e308/, typed("number")],
  ["a comma for decimals", row("x", '"1,5"'), { ...x, value: "1,5" }, /with a point for decimals/, typed("number")],
  [
    "more digits than are kept",
    row("x", "12345678901234567890123"),
    { ...x, value: "12345678901234567890123" },
    /more digits/,
    typed("number"),
  ],
  ["a fraction for a whole number", row("x", "1.5"), { ...x, value: "1.5" }, /whole number/, typed("integer")],
  ["maybe", row("x", "maybe"), { ...x, value: "maybe" }, /true or false/, typed("boolean")],
  ["the year 0", row("x", "0000-01-01"), { ...x, value: "0000-01-01" }, /years 1 to 9999/, typed("date")],
  ["the year 275760", row("x", "275760-09-13"), { ...x, value: "275760-09-13" }, /years 1 to 9999/, typed("date")],
  ["a day that there is not", row("x", "2026-02-29"), { ...x, value: "2026-02-29" }, /must be a date/, typed("date")],
  ["broken JSON", row("x", "{"), { ...x, value: "{" }, /must be JSON/, typed("json")],
  [
    "a style that is none",
    row("style", "red"),
    { line: 2, code: "value_invalid", column: "style", value: "red" },
    /JSON/,
  ],
  [
    "a shape that is none",
    row("geometry", '"{""type"":""Circle""}"'),
    { line: 2, code: "value_invalid", column: "geometry", value: '{"type":"Circle"}' },
    /Point/,
  ],
  [
    "coordinates of 1e309",
    '{"ref":"plot-1","geometry":{"type":"Point","coordinates":[1e309,0]}}\n{"ref":"plot-2"}',
    { line: 1, code: "value_not_storable", column: "geometry", value: expect.any(String) as string },
    /too large/,
  ],
  [
    "a label that is a list",
    '{"ref":"plot-1","label_en":["a"]}\n{"ref":"plot-2"}',
    { line: 1, code: "value_invalid", column: "label_en", value: '["a"]' },
    /must be a text/,
  ],
  [
    "a label of no language in JSON",
    '{"ref":"plot-1","label":{"1":"a"}}\n{"ref":"plot-2"}',
    { line: 1, code: "value_invalid", column: "label", value: '{"1":"a"}' },
    /language tag/,
  ],
  [
    "a line that is no JSON",
    '{"ref":"plot-1"\n{"ref":"plot-2"}',
    { line: 1, code: "row_malformed", column: null, value: '{"ref":"plot-1"' },
    /cannot be read/,
    { format: "ndjson" },
  ],
  [
    "a line that is no object",
    '17\n{"ref":"plot-2"}',
    { line: 1, code: "row_malformed", column: null, value: "17" },
    /no JSON object/,
    { format: "ndjson" },
  ],
  [
    "one name twice",
    '{"ref":"plot-1","a":1,"a":2}\n{"ref":"plot-2"}',
    { line: 1, code: "row_malformed", column: null, value: expect.any(String) as string },
    /twice/,
  ],
  [
    "1,001 members",
    `{"ref":"plot-1",${Array.from({ length: 1_000 }, (_, at) => `"c${at}":1`).join(",")}}\n{"ref":"plot-2"}`,
    { line: 1, code: "row_malformed", column: null, value: null },
    /1001 members/,
  ],
  [
    "the file's end inside a quote",
    'ref,x\nplot-2,1\nplot-1,"a\nb',
    { line: 3, code: "row_malformed", column: null, value: null },
    /the file ends in line 4, inside a quoted value/,
  ],
];

describe("a row", () => {
  it.each(ROWS)("with %s costs itself only", async (_, bytes, { line, ...problem }, says, payload) => {
    const { rows } = await readFile(typeof bytes === "function" ? await bytes() : bytes, payload);
    expect(rows.map(({ problems }) => problems.length).toSorted((a, b) => a - b)).toEqual([0, 1]);
    const bad = rows.find(({ problems }) => problems.length > 0);
    expect({ line: bad?.line, problem: bad?.problems[0] }).toEqual({
      line,
      problem: { ...problem, message: expect.stringMatching(says) },
    });
  });

  it("of values that only look odd is kept as it is", async () => {
    const text = 'ref,a,b,c,d,e,f\nplot-1,1e308,007,+49 30 1,=1+1,5" pipe,12345678901234567890123\n';
    const { rows } = await readFile(text);
    expect(rows[0]?.problems).toEqual([]);
    expect(rows[0]?.properties).toEqual({
      a: 1e308,
      b: "007",
      c: "+49 30 1",
      d: "=1+1",
      e: '5" pipe',
      f: "12345678901234567890123",
    });
  });

  it("a quote in the middle of a value does not cost the rows behind it", async () => {
    const { rows } = await readFile('ref,x\na,5" pipe\nb,"un"quoted\nc,ok\n');
    expect(rows.map(({ ref, problems }) => [ref, problems.length])).toEqual([
      ["a", 0],
      ["b", 0],
      ["c", 0],
    ]);
  });
});
