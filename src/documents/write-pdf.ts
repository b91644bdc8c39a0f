/** PDF, set by Typst: it shapes and orders any script, breaks tables over pages, and embeds what it uses of the fonts. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { NodeCompiler } from "@myriaddreamin/typst-ts-node-compiler";
import { FONT_FAMILIES, fontFolders } from "./fonts.ts";
import { moreRows, shareRows, textHeight, textWidth } from "./paper.ts";
import {
  headerOf,
  rowCount,
  rowsOf,
  shownCell,
  type ResolvedBlock,
  type ResolvedDocument,
  type ResolvedTable,
} from "./resolved-document.ts";

/** Rows of all tables together: 5,000 take 1.5 s and 500 MB. */
const MOST_ROWS = 5_000;
const LAYOUT = new URL("document.typ", import.meta.url);
const PAPERS = { A4: "a4", A3: "a3", Letter: "us-letter" } as const;

/** Answers what is not in it. `folder`: of its own. */
export async function writePdf(document: ResolvedDocument, output: string, folder: string): Promise<string[]> {
  const tables = document.blocks.filter((block) => block.type === "table");
  const { shown, left_out } = shareRows(tables, MOST_ROWS);
  const compiler = NodeCompiler.create({ workspace: folder, fontArgs: [{ fontPaths: fontFolders() }] });
  const main = join(folder, "main.typ");
  const blocks: object[] = [];
  for (const [index, block] of document.blocks.entries()) {
    if (block.type === "picture")
      compiler.mapShadow(join(folder, `${index}.${block.media}`), await readFile(block.file));
    if (block.type === "table") blocks.push(await tableOf(document, block, shown[tables.indexOf(block)]!));
    else blocks.push(blockOf(document, block, `${index}`));
  }
  const [language, region] = document.language.split("-");
  const data = {
    ...{ title: document.title, fonts: FONT_FAMILIES, lang: language?.toLowerCase() ?? "en", region, blocks },
    ...{ paper: PAPERS[document.page.size], flipped: document.page.orientation === "landscape" },
    rtl: document.direction === "rtl",
  };
  compiler.mapShadow(join(folder, "data.json"), Buffer.from(JSON.stringify(data)));
  compiler.addSource(main, await readFile(LAYOUT, "utf8"));
  const compiled = compiler.compile({ mainFilePath: main });
  if (!compiled.result) {
    const error = compiled.takeDiagnostics();
    const said = error ? (compiler.fetchDiagnostics(error) as { message?: string }[]) : [];
    throw new Error(said.map(({ message }) => message).join("; ") || "Typst gave no reason");
  }
  const creationTimestamp = Math.floor(Date.parse(document.created_at) / 1_000);
  await writeFile(output, compiler.pdf(compiled.result, { creationTimestamp }));
  return left_out;
}

async function tableOf(document: ResolvedDocument, table: ResolvedTable, shown: number): Promise<object> {
  const rows: object[][] = [];
  for await (const cells of rowsOf(table, shown))
    rows.push(table.columns.map((column, index) => shownCell(cells[index], column, document)));
  const more = rowCount(table) - shown;
  return {
    ...{ type: "table", title: table.title ?? "", rows, more: more > 0 ? moreRows(more) : "" },
    columns: table.columns.map((column) => headerOf(column, document)),
    size: table.columns.length > 10 ? 6 : table.columns.length > 6 ? 7.5 : 9,
  };
}

function blockOf(document: ResolvedDocument, block: Exclude<ResolvedBlock, ResolvedTable>, name: string): object {
  if (block.type === "heading") return { ...block, level: block.level ?? 1 };
  if (block.type === "list") return { ...block, ordered: block.ordered ?? false };
  if (block.type === "paragraph")
    return { ...block, bold: block.bold ?? false, rtl: (block.direction ?? document.direction) === "rtl" };
  if (block.type === "page_break") return block;
  const ratio = block.height_px / block.width_px;
  const width = Math.min(block.width ?? textWidth(document), textWidth(document), textHeight(document) / ratio);
  return { type: "picture", path: `${name}.${block.media}`, width, caption: block.caption ?? "" };
}
