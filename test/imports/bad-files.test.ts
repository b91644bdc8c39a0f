/** Bad files and bad rows, as tables: each with its code, its place, its value and what is wrong with it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readdir } from "node:fs/promises";
import type { BulkImportPayload } from "../../contract/bulk-import.ts";
import { failureOf, readFile } from "./read-file.ts";
import { archive, renamed, workbook } from "./workbook.ts";

const XML = '<?xml version="1.0"?>';
const bomb = Buffer.alloc(50_000_000, "A");
const laughs = `${XML}<!DOCTYPE lolz [<!ENTITY lol "lol">${Array.from({ length: 9 }, (_, at) => `<!ENTITY lol${at + 1} "${`&lol${at || ""};`.repeat(10)}">`).join("")}]><worksheet><sheetData><row><c t="inlineStr"><is><t>&lol9;</t></is></c></row></sheetData></worksheet>`;

const FILES: [string, () => Promise<Buffer> | Buffer | string, string, RegExp, BulkImportPayload?][] = [
  ["nothing", () => "", "import_empty", /has no rows/],
  [
    "a picture that is called CSV",
    () => Buffer.from("89504e470d0a1a0a0000000d49484452", "hex"),
    "import_unreadable",
    /its bytes are image\/png/,
    { format: "csv" },
  ],
  ["a PDF", () => "%PDF-1.7\n%âãÏÓ\n", "import_unreadable", /application\/pdf/],
  [
    "a page that asks for a login",
    () => "<!doctype html><html><body>Log in</body></html>",
    "import_unreadable",
    /HTML or XML/,
  ],
  [
    "a workbook that is called CSV",
    () => workbook([["ref"], ["a"]]),
    "import_unreadable",
    /ZIP archive or an XLSX/,
    { format: "csv" },
  ],
  [
    "a CSV that is called a workbook",
    () => "ref\na\n",
    "import_unreadable",
    /not those of an XLSX/,
    { format: "xlsx" },
  ],
  ["bytes that are nothing", () => Buffer.from([0, 255, 0, 254, 0, 0, 1, 2, 3, 0, 0]), "import_unreadable", /no text/],
  ["a JSON array", () => '[{"ref":"a"}]', "import_unreadable", /NDJSON/],
  [
    "an encoding that there is not",
    () => "ref\na\n",
    "import_unreadable",
    /no encoding "utf-9"/,
    { encoding: "utf-9" },
  ],
  [
    "UTF-8 that is damaged",
    () => Buffer.concat([Buffer.from("ref,label\nplot-1,قطعة\n".repeat(9_000)), Buffer.from([0xff, 0xfe])]),
    "import_unreadable",
    /behind byte \d+ there is no UTF-8/,
  ],
  [
    "UTF-16 that ends within a character",
    () => Buffer.concat([Buffer.from("\ufeffref\na", "utf16le"), Buffer.from([0x41])]),
    "import_unreadable",
    /at its end there is no utf-16le/,
  ],
  [
    "half a surrogate pair in UTF-16",
    () => Buffer.from([0xff, 0xfe, ...Buffer.from("ref\n", "utf16le"), 0x00, 0xd8, ...Buffer.from("x\n", "utf16le")]),
    "import_unreadable",
    /there is no utf-16le/,
  ],
  [
    "a header without a ref",
    () => "name,area\na,1\n",
    "import_header_invalid",
    /no column is called ref or id; there are "name", "area"/,
  ],
  [
    "two columns of one name",
    () => "ref,area, AREA\na,1,2\n",
    "import_header_invalid",
    /two columns go to/,
    { columns: { AREA: "area" } },
  ],
  ["a label of no language", () => "ref,label_1\na,b\n", "import_header_invalid", /"1" is no language tag/],
  ["a member that would be lost", () => "ref,__proto__\na,b\n", "import_header_invalid", /__proto__/],
  [
    "10⁶ columns",
    () => `ref${",a".repeat(1_000_000)}\n`,
    "import_header_invalid",
    /it has 1000001 columns, and 1000 are the most/,
  ],
  [
    "a row of 10⁷ columns",
    () => `ref,a\n${",".repeat(10_000_000)}\n`,
    "import_unreadable",
    /behind line 1 a row has more than 1048576 characters/,
  ],
  [
    "10⁶ empty columns",
    () => `ref${",".repeat(1_000_000)}\n`,
    "import_header_invalid",
    /it has 1000001 columns, and 1000 are the most/,
  ],
  [
    "1,001 columns",
    () => `ref${Array.from({ length: 1_000 }, (_, at) => `,c${at}`).join("")}\na\n`,
    "import_header_invalid",
    /it has 1001 columns/,
  ],
  [
    "a quote that is open for ever so long",
    () => `ref,label\na,"${"x\n".repeat(600_000)}`,
    "import_unreadable",
    /behind line 1 a row has more than 1048576 characters/,
  ],
  [
    "GeoJSON that breaks off",
    () => '{"type":"FeatureCollection","features":[{"type":"Feature","id":"a","properties":{}},{"type"',
    "import_unreadable",
    /not complete/,
  ],
  [
    "GeoJSON with a comma too many",
    () => '{\n"type":"FeatureCollection",\n"features":[{"type":"Feature","id":"a"},]}',
    "import_unreadable",
    /line 3/,
  ],
  [
    "GeoJSON that is something else",
    () => '{"type":"Topology","objects":\n{}}',
    "import_unreadable",
    /FeatureCollection/,
  ],
  [
    "a ZIP archive that is no workbook",
    () => archive({ "plan.csv": "ref\na\n" }),
    "import_archive_refused",
    /xl\/workbook\.xml is missing/,
  ],
  [
    "a workbook that breaks off",
    async () => (await workbook([["ref"], ["a"]])).subarray(0, -30),
    "import_archive_refused",
    /./,
  ],
  [
    "a workbook that is damaged",
    async () => await workbook([["ref"], ["a"]], { "xl/sharedStrings.xml": "<sst><si><t>ref" }),
    "import_archive_refused",
    /sharedStrings\.xml: /,
  ],
  [
    "a zip bomb in a sheet",
    () => workbook([["ref"]], { "xl/worksheets/sheet1.xml": bomb }),
    "import_archive_refused",
    /sheet1\.xml unpacks to \d+ times its size/,
  ],
  [
    "a zip bomb in the shared texts",
    () => workbook([["ref"]], { "xl/sharedStrings.xml": bomb }),
    "import_archive_refused",
    /unpacks to \d+ times/,
  ],
  [
    "an archive of 10,000 parts",
    () => archive(Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`xl/p${at}.xml`, "x"]))),
    "import_archive_refused",
    /it has 10001 parts, and 2000 are the most/,
  ],
  [
    ".. in the name of a part",
    async () => renamed(await workbook([["ref"], ["a"]], { "xx/xx/passwd": "x" }), "xx/xx/passwd", "../../passwd"),
    "import_archive_refused",
    /invalid relative path/,
  ],
  [
    "an absolute name of a part",
    async () => renamed(await workbook([["ref"], ["a"]], { "xetc/passwd": "x" }), "xetc/passwd", "/etc/passwd"),
    "import_archive_refused",
    /absolute path/,
  ],
  [
    "a billion laughs",
    () => workbook([["ref"]], { "xl/worksheets/sheet1.xml": laughs }),
    "import_archive_refused",
    /document type, by which entities grow/,
  ],
  [
    "an entity of nobody",
    () =>
      workbook([["ref"]], {
        "xl/worksheets/sheet1.xml": `${XML}<worksheet><row><c><v>&lol;</v></c></row></worksheet>`,
      }),
    "import_archive_refused",
    /entity/,
  ],
  [
    "a sheet that there is not",
    () => workbook([["ref"], ["a"]]),
    "import_unreadable",
    /no sheet "Prices", but "Hidden", "Plots"/,
    { sheet: "Prices" },
  ],
  [
    "a sheet of 16,384 columns",
    () => workbook([Array.from({ length: 16_384 }, (_, at) => (at === 0 ? "ref" : `c${at}`)), ["a"]]),
    "import_header_invalid",
    /more than 1000 columns/,
  ],
];

/** Open files of this process. */
const openFiles = async (): Promise<number> => (await readdir("/proc/self/fd")).length;
let before = 0;
beforeAll(async () => {
  await readFile("ref\na\n");
  before = await openFiles();
});
afterAll(async () => {
  globalThis.gc?.();
  expect(await openFiles()).toBeLessThanOrEqual(before + 2);
  // Of a bomb of 50 MB, an endless quote and a million columns nothing is left.
  expect(process.memoryUsage().rss).toBeLessThan(700_000_000);
});

describe("a file", () => {
  it.each(FILES)("that is %s", async (_, bytes, code, says, payload) => {
    const failure = await failureOf(await bytes(), payload);
    expect(failure).toEqual({ code, message: expect.stringMatching(says) });
    expect(failure.message.length).toBeLessThan(800);
  });
});

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
    expect(rows.map(({ problems }) => problems.length).toSorted()).toEqual([0, 1]);
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
