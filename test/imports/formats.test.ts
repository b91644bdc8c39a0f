/** Formats and encodings: the same three rows, whatever they are written in. */
import { describe, expect, it } from "vitest";
import type { BulkImportPayload } from "../../contract/bulk-import.ts";
import { readFile } from "./read-file.ts";
import { workbook } from "./workbook.ts";

const ARABIC = "قطعة الميناء";
const EXPECTED = [
  { ref: "plot-1", label: { en: "Harbour, old", ar: ARABIC }, properties: { area: 412.5, sold: true } },
  { ref: "plot-2", label: { en: 'The "mole"\nof stone' }, properties: { area: 7, code: "007" } },
  { ref: "plot-3", label: { ar: ARABIC }, properties: { sold: false } },
];

const HEADER = ["ref", "label_en", "label_ar", "area", "sold", "code"];
const VALUES = [
  ["plot-1", "Harbour, old", ARABIC, "412.5", "true", ""],
  ["plot-2", 'The "mole"\nof stone', "", "7", "", "007"],
  ["plot-3", "", ARABIC, "", "FALSE", ""],
];

const quoted = (text: string): string => (/[",;|\t\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const table = (delimiter = ",", lineEnd = "\n"): string =>
  [HEADER, ...VALUES].map((row) => row.map(quoted).join(delimiter) + lineEnd).join("");

const RECORDS = [
  { ref: "plot-1", label: { en: "Harbour, old", ar: ARABIC }, area: 412.5, sold: true },
  { ref: "plot-2", label_en: 'The "mole"\nof stone', area: 7, code: "007" },
  { ref: "plot-3", label_ar: ARABIC, sold: false, area: null },
];
const features = RECORDS.map(({ ref, ...properties }) => ({ type: "Feature", id: ref, geometry: null, properties }));

const FORMATS: [string, () => Promise<Buffer> | Buffer | string, RegExp, BulkImportPayload?][] = [
  ["CSV", () => table(), /CSV in utf-8 .* divided by ","/],
  ["CSV with semicolons", () => table(";"), /divided by ";"/],
  ["CSV with bars", () => table("|"), /divided by "\|"/],
  ["CSV with Windows' line ends", () => table(",", "\r\n"), /CSV/],
  ["CSV with old Macs' line ends", () => table(",", "\r"), /CSV/],
  ["TSV", () => table("\t"), /divided by tabs/],
  ["TSV that is said to be one", () => table("\t"), /TSV .* tabs/, { format: "tsv" }],
  ["CSV with a delimiter that is said", () => table("^"), /"\^"/, { delimiter: "^" }],
  ["CSV without a last line end", () => table().trimEnd(), /CSV/],
  ["NDJSON", () => `${RECORDS.map((each) => JSON.stringify(each)).join("\n")}\n`, /NDJSON/],
  ["NDJSON of Features", () => features.map((each) => JSON.stringify(each)).join("\r\n"), /NDJSON/],
  ["GeoJSON", () => JSON.stringify({ type: "FeatureCollection", features }), /GeoJSON/],
  ["GeoJSON over many lines", () => JSON.stringify({ type: "FeatureCollection", features }, null, 2), /GeoJSON/],
  [
    "XLSX",
    () =>
      workbook([
        HEADER,
        ["plot-1", "Harbour, old", ARABIC, 412.5, true],
        ["plot-2", { inline: 'The "mole"\nof stone' }, null, 7, null, "007"],
        [],
        ["plot-3", null, ARABIC, null, false],
      ]),
    /XLSX/,
  ],
];

describe("formats", () => {
  it.each(FORMATS)("%s", async (_, bytes, told, payload) => {
    const file = await readFile(await bytes(), payload);
    expect(file.rows.map(({ ref, label, properties }) => ({ ref, label, properties }))).toEqual(EXPECTED);
    expect(file.rows.flatMap(({ problems }) => problems)).toEqual([]);
    expect(file.told).toMatch(told);
  });
});

/** More than is looked at to tell a delimiter; commas are in its texts only. */
const LARGE: [string, string][] = [
  ["lines end as on old Macs", Array.from({ length: 9_000 }, (_, at) => `plot-${at};Quay, berth ${at}\r`).join("")],
  [
    "values have many lines",
    Array.from({ length: 60 }, (_, at) => `plot-${at};"${"Quay, berth\n".repeat(150)}"\n`).join(""),
  ],
];
describe("delimiters of large files", () => {
  it.each(LARGE)("are told where %s", async (_, body) => {
    const { told, rows } = await readFile(`ref;label${body.includes("\r") ? "\r" : "\n"}${body}`);
    expect(told).toMatch(/divided by ";"/);
    expect(rows.map(({ ref, problems }) => ({ ref, problems }))).toEqual(
      rows.map((_, at) => ({ ref: `plot-${at}`, problems: [] })),
    );
  });
});

const utf16 = (bigEndian: boolean, mark: boolean): Buffer => {
  const bytes = Buffer.from((mark ? "\ufeff" : "") + table(), "utf16le");
  return bigEndian ? bytes.swap16() : bytes;
};
/** Windows-1252 and Windows-1256, as far as the texts go. */
const latin = (text: string): Buffer => Buffer.from(text, "latin1");
const arabic1256 = (text: string): Buffer => {
  const letters = new Map(
    Array.from("ابتثجحخدذرزسشصض").map((letter, at) => [
      letter,
      [0xc7, 0xc8, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6][at]!,
    ]),
  );
  for (const [letter, code] of [
    ["ق", 0xde],
    ["ط", 0xd8],
    ["ع", 0xda],
    ["ة", 0xc9],
    ["ل", 0xe1],
    ["م", 0xe3],
    ["ي", 0xed],
    ["ن", 0xe4],
    ["ء", 0xc1],
  ] as const)
    letters.set(letter, code);
  return Buffer.from(Array.from(text, (character) => letters.get(character) ?? character.charCodeAt(0)));
};

const ENCODINGS: [string, Buffer, RegExp, BulkImportPayload?][] = [
  ["UTF-8", Buffer.from(table()), /utf-8 \(by its bytes\)/],
  ["UTF-8 with its mark", Buffer.from(`\ufeff${table()}`), /utf-8 \(by its byte order mark\)/],
  ["UTF-16LE with its mark", utf16(false, true), /utf-16le \(by its byte order mark\)/],
  ["UTF-16BE with its mark", utf16(true, true), /utf-16be \(by its byte order mark\)/],
  ["UTF-16LE without", utf16(false, false), /utf-16le \(by its bytes\)/],
  ["UTF-16BE without", utf16(true, false), /utf-16be \(by its bytes\)/],
  [
    "Windows-1256 that is said",
    arabic1256(table()),
    /windows-1256 \(as the payload says\)/,
    { encoding: "windows-1256" },
  ],
];
describe("encodings", () => {
  it.each(ENCODINGS)("%s", async (_, bytes, told, payload) => {
    const file = await readFile(bytes, payload);
    expect(file.rows.map(({ ref, label, properties }) => ({ ref, label, properties }))).toEqual(EXPECTED);
    expect(file.told).toMatch(told);
  });

  it("Windows-1252 is guessed, also where its first letter comes late", async () => {
    const early = latin("ref,label_de\nplot-1,Straße am Fluß für Fußgänger\nplot-2,Über die Brücke\n");
    expect((await readFile(early)).rows[0]?.label).toEqual({ de: "Straße am Fluß für Fußgänger" });
    const late = latin(`ref,label_de\n${"plot-1,Kai\n".repeat(50_000)}plot-2,Große Brücke für Fußgänger\n`);
    expect((await readFile(late)).rows.at(-1)?.label).toEqual({ de: "Große Brücke für Fußgänger" });
  });
});

describe("places", () => {
  it("of CSV are lines, whatever ends them and however long a value is", async () => {
    const text = 'ref,label\r\nplot-1,"a\nb"\n\nplot-2,x\rplot-3,"1\r\n2\r\n3"\nplot-4,y\n,,\nplot-5,z';
    expect((await readFile(text)).rows.map(({ ref, line }) => [ref, line])).toEqual([
      ...[
        ["plot-1", 2],
        ["plot-2", 5],
        ["plot-3", 6],
        ["plot-4", 9],
        ["plot-5", 11],
      ],
    ]);
  });

  it("of sheets are rows, of NDJSON lines, of GeoJSON features", async () => {
    const sheet = await readFile(await workbook([[], ["ref", "a"], [], ["plot-1", 1]]));
    expect(sheet.rows.map(({ line }) => line)).toEqual([4]);
    const lines = await readFile('{"ref":"a","x":1}\n\n{"ref":"b","x":1}\n');
    expect(lines.rows.map(({ line }) => line)).toEqual([1, 3]);
  });
});

describe("workbooks", () => {
  it("the first sheet that is shown is read, or the one that is named", async () => {
    const bytes = await workbook([["ref"], ["plot-1"]]);
    expect((await readFile(bytes)).rows.map(({ ref }) => ref)).toEqual(["plot-1"]);
    expect((await readFile(bytes, { sheet: "Hidden" })).rows.map(({ ref }) => ref)).toEqual(["hidden-1"]);
  });

  it("dates are days, numbers stay numbers, errors of formulas are told as they stand", async () => {
    const bytes = await workbook([
      ["ref", "since", "area", "sum"],
      [17, { date: 45_000.75 }, 0.1, { error: "#N/A" }],
      ["b", { date: 1 }, 1e308],
    ]);
    const { rows } = await readFile(bytes);
    expect(rows.map(({ ref, properties }) => ({ ref, ...properties }))).toEqual([
      { ref: "17", since: "2023-03-15T18:00:00", area: 0.1, sum: "#N/A" },
      { ref: "b", since: "1900-01-01", area: 1e308 },
    ]);
  });
});

describe("headers", () => {
  it("are compared without case, white space and the way they are composed", async () => {
    const { rows } = await readFile(" REF ,Label_EN,  Plot   area ,cafe\u0301\nplot-1,One,5,x\n", {
      columns: { "Plot area": "area" },
    });
    expect(rows).toMatchObject([{ ref: "plot-1", label: { EN: "One" }, properties: { area: 5, café: "x" } }]);
  });

  it("an id stands in for a ref, a column can be named, sent elsewhere, typed, and left out", async () => {
    expect((await readFile("id,a\nplot-1,1\n")).rows).toMatchObject([{ ref: "plot-1", properties: { a: 1 } }]);
    const payload: BulkImportPayload = {
      ref_column: "Plot",
      columns: {
        Name: "label_zh-Hant",
        "Price (AED)": { to: "price", type: "text" },
        secret: null,
        opened: { to: "opened", type: "date" },
      },
    };
    const { rows } = await readFile("Plot,Name,Price (AED),secret,opened,ref\np,港,1.50,x,2026-02-28,old\n", payload);
    expect(rows).toMatchObject([
      { ref: "p", label: { "zh-Hant": "港" }, properties: { price: "1.50", opened: "2026-02-28" } },
    ]);
    expect(Object.keys(rows[0]?.properties ?? {})).toEqual(["price", "opened"]);
  });

  it("parts of an overlay go where they belong", async () => {
    const { rows } = await readFile(
      'ref,type,layer,visible,style,geometry\np,villa,homes,no,"{""fill"":""red""}","{""type"":""Point"",""coordinates"":[1,2]}"\n',
    );
    expect(rows).toMatchObject([
      {
        patch: {
          type: "villa",
          layer: "homes",
          visible: false,
          style: { fill: "red" },
          geometry: { type: "Point", coordinates: [1, 2] },
        },
        properties: null,
      },
    ]);
  });
});
