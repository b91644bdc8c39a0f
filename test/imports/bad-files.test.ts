/** Bad files, as a table: each with its code, its place and what is wrong with it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import type { BulkImportPayload } from "../../contract/bulk-import.ts";
import { failureOf, readFile } from "./read-file.ts";
import { archive, renamed, workbook } from "./workbook.ts";

const XML = '<?xml version="1.0"?>';
/** A million characters that hardly pack, so that they are no bomb. */
const noise = randomBytes(500_000).toString("hex");
const sheetOf = (rows: string): Promise<Buffer> =>
  workbook([["ref"]], { "xl/worksheets/sheet1.xml": `${XML}<worksheet><sheetData>${rows}</sheetData></worksheet>` });
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
    "a column for the refs that there is not, though there is an id",
    () => "id,Plot,price\n1,p-1,5\n",
    "import_header_invalid",
    /no column is called "Plott" \(ref_column\); there are "id", "Plot", "price"\./,
    { ref_column: "Plott" },
  ],
  [
    "a column to leave out that there is not",
    () =>
      workbook([
        ["ref", "secret"],
        ["a", "x"],
      ]),
    "import_header_invalid",
    /no column is called "Sekret" \(columns\); there are "ref", "secret"\./,
    { columns: { Sekret: null } },
  ],
  [
    "two columns of one name",
    () => "ref,area, AREA\na,1,2\n",
    "import_header_invalid",
    /two columns go to/,
    { columns: { AREA: "area" } },
  ],
  [
    "headers of a million characters",
    () => `${noise.slice(0, 400_000)},${noise.slice(400_000, 800_000)}\na,1\n`,
    "import_header_invalid",
    /the column "[0-9a-f]{100}…": it is longer than 200 characters/,
  ],
  [
    "a label of no language that is long",
    () => `ref,label_${noise.slice(0, 900_000)}\na,b\n`,
    "import_header_invalid",
    /is no language tag/,
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
    "10,001 sheets",
    () =>
      workbook([["ref"]], { "xl/workbook.xml": `<workbook><sheets>${"<sheet/>".repeat(10_001)}</sheets></workbook>` }),
    "import_archive_refused",
    /workbook\.xml has more than 10000 sheets/,
  ],
  [
    "relationships of 40 MB",
    () =>
      workbook([["ref"]], {
        "xl/_rels/workbook.xml.rels": `<Relationships><!--${noise.repeat(40)}--></Relationships>`,
      }),
    "import_archive_refused",
    /workbook\.xml\.rels unpacks to \d+ bytes, and 33554432 are the most/,
  ],
  [
    "100,001 styles",
    () =>
      workbook([["ref"]], {
        "xl/styles.xml": `<styleSheet><cellXfs>${"<xf/>".repeat(100_001)}</cellXfs></styleSheet>`,
      }),
    "import_archive_refused",
    /styles\.xml has more than 100000 styles/,
  ],
  [
    "100,001 formats of numbers",
    () =>
      workbook([["ref"]], {
        "xl/styles.xml": `<styleSheet>${Array.from({ length: 100_001 }, (_, at) => `<numFmt numFmtId="${at}"/>`).join("")}</styleSheet>`,
      }),
    "import_archive_refused",
    /styles\.xml has more than 100000 styles/,
  ],
  [
    "8,000,001 shared texts that are empty",
    () =>
      workbook([["ref"]], {
        // With some noise between them, so that they are no bomb.
        "xl/sharedStrings.xml": `<sst>${`<!--${noise.slice(0, 10_000)}-->${"<si/>".repeat(100_000)}`.repeat(80)}<si/></sst>`,
      }),
    "import_archive_refused",
    /sharedStrings\.xml has more than 8000000 texts/,
  ],
  [
    "one shared text in a million pieces",
    () =>
      workbook([["ref"]], {
        "xl/sharedStrings.xml": `<sst><si>${`<!--${noise.slice(0, 10_000)}-->${"<t>a</t>".repeat(50_000)}`.repeat(21)}</si></sst>`,
      }),
    "import_archive_refused",
    /sharedStrings\.xml has more than 1048576 characters in one text/,
  ],
  [
    "300 elements within each other",
    () => sheetOf("<row>".repeat(300)),
    "import_archive_refused",
    /sheet1\.xml has more than 256 elements within each other/,
  ],
  [
    "an archive of 2,100 parts",
    () => archive(Object.fromEntries(Array.from({ length: 2_100 }, (_, at) => [`xl/p${at}.xml`, "x"]))),
    "import_archive_refused",
    /it has 2101 parts, and 2000 are the most/,
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
    "30 cells of a million characters in one row",
    () => workbook([["ref"], Array.from({ length: 30 }, () => ({ inline: noise }))]),
    "import_archive_refused",
    /row 2 of xl\/worksheets\/sheet1\.xml has more than 1048576 characters/,
  ],
  [
    "one cell of 30 MB, which the parser would keep until it ends",
    () => sheetOf(`<row><c t="inlineStr"><is><t>${noise.repeat(30)}</t></is></c></row>`),
    "import_archive_refused",
    /sheet1\.xml has a text or a tag of more than 4194304 bytes/,
  ],
  [
    "a comment of 30 MB",
    () => sheetOf(`<!--${noise.repeat(30)}--><row><c><v>1</v></c></row>`),
    "import_archive_refused",
    /a text or a tag of more than 4194304 bytes/,
  ],
  [
    "one shared text that 30 cells of a row refer to",
    () =>
      workbook([["ref"]], {
        "xl/sharedStrings.xml": `<sst><si><t>ref</t></si><si><t>${noise.slice(0, 500_000)}</t></si></sst>`,
        "xl/worksheets/sheet1.xml": `${XML}<worksheet><row><c t="s"><v>0</v></c></row><row>${'<c t="s"><v>1</v></c>'.repeat(30)}</row></worksheet>`,
      }),
    "import_archive_refused",
    /row 2 of xl\/worksheets\/sheet1\.xml has more than 1048576 characters/,
  ],
  [
    "one shared text that 8,000 rows refer to",
    () =>
      workbook([["ref"]], {
        "xl/sharedStrings.xml": `<sst><si><t>ref</t></si><si><t>${noise}</t></si><si><t>notes</t></si></sst>`,
        "xl/worksheets/sheet1.xml": `${XML}<worksheet><row><c t="s"><v>0</v></c><c t="s"><v>2</v></c></row>${'<row><c r="B1" t="s"><v>1</v></c></row>'.repeat(8_000)}</worksheet>`,
      }),
    "import_archive_refused",
    /sheet1\.xml has more than 4294967296 characters/,
    { columns: { notes: null } },
  ],
  ...["abc", "1e12", "1.5", "0", "-1", "1048577", "", "9".repeat(400)].map((number): (typeof FILES)[number] => [
    `a row that is numbered ${JSON.stringify(number.slice(0, 10))}`,
    () => sheetOf(`<row r="${number}"><c t="inlineStr"><is><t>ref</t></is></c></row>`),
    "import_archive_refused",
    /a row of xl\/worksheets\/sheet1\.xml is numbered ".{0,41}"; numbers are whole, from 1 to 1048576/,
  ]),
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
