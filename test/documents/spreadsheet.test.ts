/** What a spreadsheet holds in its cells. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Workbook } from "@cj-tech-master/excelts";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runApart } from "../../src/documents/apart.ts";
import { CREATED_AT, makeFile } from "../support/documents.ts";
import { openOffice } from "../support/office.ts";
import { createPublishing, type Publishing } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";

const office = await openOffice();

let room: Publishing;
beforeAll(async () => {
  room = await createPublishing({ executions: scriptedExecutions() });
});
afterAll(async () => {
  await room?.close();
  await office?.close();
});

async function sheets(specification: object) {
  const { bytes } = await makeFile(room, { format: "spreadsheet", title: "Book", specification });
  const workbook = new Workbook();
  await workbook.xlsx.load(bytes as never);
  return { bytes, workbook };
}
const table = (columns: object[], rows: unknown[][], title = "Data") => ({ type: "table", title, columns, rows });

it("texts that look like formulas are texts; only a formula is one", async () => {
  const hostile = ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1", "'=1"];
  const rows = [...hostile.map((text) => [text]), [{ formula: "=SUM(1,2)" }]];
  const { bytes, workbook } = await sheets({ content: [table([{ header: "A" }], rows)] });
  const sheet = workbook.getWorksheet("Data")!;
  for (const [index, text] of hostile.entries()) expect(sheet.getCell(index + 2, 1).value).toBe(text);
  expect(sheet.getCell(9, 1).value).toMatchObject({ formula: "SUM(1,2)" });
  expect(Buffer.from(unzipSync(bytes)["xl/worksheets/sheet1.xml"]!).toString().match(/<f>/g)).toHaveLength(1);
});

it("days are days of 1900 and on, times those of the document's time zone, which the header names", async () => {
  const days = ["2026-11-26", "1900-03-01", "9999-12-31", "1900-02-28", "0000-01-01", "+275760-09-13"];
  const columns = [
    { header: "Day", type: "date" },
    { header: "At", type: "datetime" },
  ];
  const times = [
    "2026-11-26T20:30:00Z",
    "2026-06-01T12:00:00+02:00",
    "2026-11-26T20:30",
    "2026-11-26",
    "1899-01-01T00:00:00Z",
    "",
  ];
  const rows = days.map((day, index) => [day, times[index]]);
  const { workbook } = await sheets({ time_zone: "Europe/Berlin", content: [table(columns, rows)] });
  const sheet = workbook.getWorksheet("Data")!;
  const column = (number: number) => days.map((_, index) => sheet.getCell(index + 2, number).value);
  expect(sheet.getCell(1, 2).value).toBe("At (Europe/Berlin)");
  expect(column(1)).toEqual([
    ...[new Date("2026-11-26"), new Date("1900-03-01"), new Date("9999-12-31")],
    ...["1900-02-28", "0000-01-01", "+275760-09-13"],
  ]);
  expect(column(2)).toEqual([
    ...[
      new Date("2026-11-26T21:30Z"),
      new Date("2026-06-01T12:00Z"),
      new Date("2026-11-26T20:30Z"),
      new Date("2026-11-26"),
    ],
    ...[expect.stringMatching(/^1899-01-01 0[01]:/), null],
  ]);
});

it.skipIf(!office)("formulas are reckoned by who opens it", { timeout: 60_000 }, async () => {
  const columns = [{ header: "A", type: "number" }, { header: "B" }];
  const rows = [
    [2, null],
    [3, null],
    [{ formula: "SUM(A2:A3)*7" }, { formula: 'IF(A4>34,"yes, " & A2,"no")' }],
  ];
  const { bytes } = await sheets({ content: [table(columns, rows)] });
  const lines = (await office!.convert(bytes, "xlsx", "csv")).toString().trim().split("\n");
  expect(lines.at(-1)).toBe('35,"yes, 2"');
});

it("every table is a sheet whose header stays in sight; names of sheets are what spreadsheets allow", async () => {
  const names = ["Plots", "plots", "A/B:C*?[x]", "", "x".repeat(40), "history"];
  const content = names.map((name) => table([{ header: "A" }], [["a"]], name));
  const { workbook } = await sheets({ language: "ar", content });
  const found = workbook.worksheets.map(({ name }) => name);
  expect(found).toEqual(["Plots", "plots 2", "A B C x", "Sheet", "x".repeat(31), "history 2"]);
  expect(workbook.getWorksheet("Plots")!.views[0]).toMatchObject({ state: "frozen", ySplit: 1, rightToLeft: true });
});

it("50,000 rows are written in flat memory", { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "platen-rows-"));
  try {
    const file = join(folder, "rows.ndjson");
    const output = createWriteStream(file);
    for (let row = 0; row < 50_000; row += 1)
      output.write(
        `${JSON.stringify([`plot-${row}`, `قطعة ${row}`, row * 1.5, "2026-11-26", { formula: `C${row + 2}*2` }])}\n`,
      );
    output.end();
    await finished(output);
    const columns = [
      { header: "Ref" },
      { header: "Label" },
      { header: "Area", type: "number" },
      { header: "Day", type: "date" },
      { header: "Twice", type: "number" },
    ] as never;
    const made = join(folder, "made.xlsx");
    const about = {
      title: "Rows",
      language: "en",
      direction: "ltr",
      time_zone: "UTC",
      created_at: CREATED_AT,
    } as const;
    const blocks = [{ type: "table" as const, columns, rows: { file, count: 50_000 } }];
    // Enough to be written row by row. In memory they would take 300 MB.
    await runApart(
      {
        task: "render",
        input: {
          format: "spreadsheet",
          folder,
          output: made,
          document: { ...about, page: { size: "A4", orientation: "portrait" }, blocks },
        },
      },
      { seconds: 100, heapMb: 192, signal: new AbortController().signal },
    );
    const xml = Buffer.from(unzipSync(await readFile(made))["xl/worksheets/sheet1.xml"]!).toString();
    expect(xml.match(/<row /g)).toHaveLength(50_001);
    expect(xml).toContain("C50001*2");
    await writeFile(file, "");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
