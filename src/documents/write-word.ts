/** docx. */
import { readFile, writeFile } from "node:fs/promises";
import {
  AlignmentType,
  BorderStyle,
  Document,
  ExternalHyperlink,
  Footer,
  HeadingLevel,
  ImageRun,
  LevelFormat,
  LineRuleType,
  Packer,
  PageNumber,
  PageOrientation,
  Paragraph,
  Table,
  TableCell,
  TableLayoutType,
  TableRow,
  TextRun,
  WidthType,
  type IParagraphOptions,
  type ParagraphChild,
} from "docx";
import { MARGIN_MM, moreRows, PAGE_SIZES, shareRows, shareWidth, textHeight, textWidth } from "./paper.ts";
import { rezip } from "./rezip.ts";
import {
  headerOf,
  rowCount,
  rowsOf,
  shownCell,
  type ResolvedBlock,
  type ResolvedDocument,
  type ResolvedPicture,
  type ResolvedTable,
} from "./resolved-document.ts";

/** Rows of all tables together: each costs word processors 10 KB. */
const MOST_ROWS = 5_000;
const TWIPS_PER_MM = 1_440 / 25.4;
const PX_PER_MM = 96 / 25.4;
/** Rows that are looked at to find how wide a column is. */
const MEASURED_ROWS = 200;
const FONT = "Arial";
/** Half points. */
const SIZE = 21;
const LINE = { style: BorderStyle.SINGLE, size: 4, color: "B8C4D0" };

/** Answers what is not in it. */
export async function writeWord(document: ResolvedDocument, output: string): Promise<string[]> {
  const rtl = document.direction === "rtl";
  const tables = document.blocks.filter((block) => block.type === "table");
  const { shown, left_out } = shareRows(tables, MOST_ROWS);
  const children: (Paragraph | Table)[] = [];
  let lists = 0;
  for (const block of document.blocks) {
    if (block.type === "list") lists += 1;
    if (block.type === "table") children.push(...(await tableOf(document, block, shown[tables.indexOf(block)]!)));
    else if (block.type === "picture") children.push(...(await pictureOf(document, block)));
    else children.push(...textOf(document, block, lists));
  }
  const [short, long] = PAGE_SIZES[document.page.size].map((mm) => Math.round(mm * TWIPS_PER_MM)) as [number, number];
  const margin = Math.round(MARGIN_MM * TWIPS_PER_MM);
  const landscape = document.page.orientation === "landscape";
  const file = new Document({
    creator: "Platen",
    lastModifiedBy: "Platen",
    title: document.title,
    styles: stylesOf(document),
    numbering: {
      config: [
        { reference: "numbers", levels: [numbered("%1.", LevelFormat.DECIMAL)] },
        { reference: "bullets", levels: [numbered("•", LevelFormat.BULLET)] },
      ],
    },
    sections: [
      {
        properties: {
          page: {
            size: {
              width: short,
              height: long,
              orientation: landscape ? PageOrientation.LANDSCAPE : PageOrientation.PORTRAIT,
            },
            margin: { top: margin, bottom: margin, left: margin, right: margin },
          },
          ...(rtl ? { bidi: true } : {}),
        },
        footers: { default: new Footer({ children: [footerOf()] }) },
        children,
      },
    ],
  });
  await writeFile(output, rezip(await Packer.toBuffer(file), document.created_at));
  return left_out;
}

const numbered = (text: string, format: (typeof LevelFormat)[keyof typeof LevelFormat]) => ({
  level: 0,
  format,
  text,
  alignment: AlignmentType.START,
  style: { run: { font: FONT }, paragraph: { indent: { left: 500, hanging: 300 } } },
});

function stylesOf({ language, direction }: ResolvedDocument) {
  const bidirectional = direction === "rtl" ? language : "ar-SA";
  const heading = (size: number, before: number) => ({
    run: { font: FONT, size, sizeComplexScript: size, bold: true, boldComplexScript: true, color: "1F3A52" },
    paragraph: { spacing: { before, after: 120 }, keepNext: true },
  });
  return {
    default: {
      document: {
        run: { font: FONT, size: SIZE, sizeComplexScript: SIZE, language: { value: language, bidirectional } },
        paragraph: { spacing: { after: 120, line: 276, lineRule: LineRuleType.AUTO } },
      },
      heading1: heading(34, 360),
      heading2: heading(27, 280),
      heading3: heading(23, 220),
    },
  };
}

const footerOf = (): Paragraph =>
  new Paragraph({
    alignment: AlignmentType.CENTER,
    children: [
      new TextRun({ children: [PageNumber.CURRENT, " / ", PageNumber.TOTAL_PAGES], size: 16, color: "777777" }),
    ],
  });

/** A text with its line ends. */
function runs(text: string, rtl: boolean, more: object = {}): TextRun[] {
  return text
    .split("\n")
    .map((line, index) => new TextRun({ text: line, rightToLeft: rtl, ...more, ...(index > 0 ? { break: 1 } : {}) }));
}

const paragraph = (rtl: boolean, options: IParagraphOptions): Paragraph =>
  new Paragraph({ bidirectional: rtl, ...options });

function textOf(
  { direction }: ResolvedDocument,
  block: Exclude<ResolvedBlock, ResolvedTable | ResolvedPicture>,
  list: number,
): Paragraph[] {
  const rtl = direction === "rtl";
  if (block.type === "page_break")
    return [new Paragraph({ pageBreakBefore: true, spacing: { after: 0, line: 20, lineRule: LineRuleType.EXACT } })];
  if (block.type === "heading") {
    const heading = [HeadingLevel.HEADING_1, HeadingLevel.HEADING_2, HeadingLevel.HEADING_3][(block.level ?? 1) - 1]!;
    return [paragraph(rtl, { heading, children: runs(block.text, rtl) })];
  }
  if (block.type === "paragraph") {
    const own = block.direction ? block.direction === "rtl" : rtl;
    const bold = block.bold ?? false;
    return [paragraph(own, { children: runs(block.text, own, { bold, boldComplexScript: bold }) })];
  }
  const numbering = { reference: block.ordered ? "numbers" : "bullets", level: 0, instance: list };
  const spacing = { after: 40 };
  return block.items.map((item) => paragraph(rtl, { numbering, children: runs(item, rtl), spacing }));
}

async function pictureOf(document: ResolvedDocument, picture: ResolvedPicture): Promise<Paragraph[]> {
  const rtl = document.direction === "rtl";
  const ratio = picture.height_px / picture.width_px;
  const width =
    Math.min(picture.width ?? textWidth(document), textWidth(document), textHeight(document) / ratio) * PX_PER_MM;
  const image = new ImageRun({
    type: picture.media === "png" ? "png" : "jpg",
    data: await readFile(picture.file),
    transformation: { width: Math.round(width), height: Math.round(width * ratio) },
    altText: { name: "picture", title: picture.caption ?? "", description: picture.caption ?? "" },
  });
  const shown = paragraph(rtl, { children: [image], keepNext: picture.caption !== undefined });
  if (picture.caption === undefined) return [shown];
  return [
    shown,
    paragraph(rtl, {
      children: runs(picture.caption, rtl, { italics: true, color: "555555", size: 18, sizeComplexScript: 18 }),
    }),
  ];
}

async function tableOf(
  document: ResolvedDocument,
  table: ResolvedTable,
  shown: number,
): Promise<(Paragraph | Table)[]> {
  const rtl = document.direction === "rtl";
  const size = table.columns.length > 6 ? 15 : 18;
  const cellOf = (children: ParagraphChild[], options: object = {}, right = false): TableCell =>
    new TableCell({
      margins: { top: 40, bottom: 40, left: 80, right: 80 },
      ...options,
      children: [
        paragraph(rtl, {
          children,
          spacing: { after: 0, line: 252, lineRule: LineRuleType.AUTO },
          ...(right ? { alignment: AlignmentType.END } : {}),
        }),
      ],
    });
  const font = { size, sizeComplexScript: size };
  const header = new TableRow({
    tableHeader: true,
    cantSplit: true,
    children: table.columns.map((column) =>
      cellOf(runs(headerOf(column, document), rtl, { ...font, bold: true, boldComplexScript: true }), {
        shading: { fill: "E8EEF4" },
      }),
    ),
  });
  const told: ReturnType<typeof shownCell>[][] = [];
  for await (const cells of rowsOf(table, shown))
    told.push(table.columns.map((column, index) => shownCell(cells[index], column, document)));
  const filled = ({ text, link, numeric }: ReturnType<typeof shownCell>): TableCell => {
    const inside = runs(text, rtl, link ? { ...font, color: "1155CC", underline: {} } : font);
    return cellOf(link ? [new ExternalHyperlink({ link, children: inside })] : inside, {}, numeric);
  };
  const headers = table.columns.map((column) => headerOf(column, document));
  const texts = [headers, ...told.slice(0, MEASURED_ROWS).map((cells) => cells.map(({ text }) => text))];
  const total = Math.round(textWidth(document) * TWIPS_PER_MM);
  const made = new Table({
    rows: [header, ...told.map((cells) => new TableRow({ cantSplit: true, children: cells.map(filled) }))],
    visuallyRightToLeft: rtl,
    width: { size: total, type: WidthType.DXA },
    layout: TableLayoutType.FIXED,
    columnWidths: shareWidth(total, texts).map(Math.round),
    borders: { top: LINE, bottom: LINE, left: LINE, right: LINE, insideHorizontal: LINE, insideVertical: LINE },
  });
  const title = table.title === undefined ? [] : textOf(document, { type: "heading", level: 2, text: table.title }, 0);
  const rest = rowCount(table) - shown;
  const below = rest > 0 ? moreRows(rest) : "";
  return [...title, made, paragraph(rtl, { children: runs(below, rtl, { italics: true, color: "555555", size: 18 }) })];
}
