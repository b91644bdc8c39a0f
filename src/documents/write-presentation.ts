/** pptx: a heading of level 1 and a page break begin a slide; what does not fit goes on on the next one. */
import { readFile, writeFile } from "node:fs/promises";
import PptxGenJS from "pptxgenjs";
import { moreRows, shareRows, shareWidth } from "./paper.ts";
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

/** Rows of all tables together: forty slides. */
const MOST_ROWS = 500;
/** Inches. */
const SLIDE = { width: 13.333, height: 7.5 } as const;
const MARGIN = 0.6;
const WIDTH = SLIDE.width - 2 * MARGIN;
const TOP = 1.35;
const BOTTOM = SLIDE.height - 0.55;
const FONT = "Arial";
const LINE_HEIGHT = 0.36;
/** Characters that a line of text takes. */
const LINE_CHARACTERS = 105;

// The package is CommonJS: its class is what Node calls the default export.
const Presentation = PptxGenJS as unknown as new () => PptxGenJS.default;
type Slide = PptxGenJS.default.Slide;

interface Deck {
  document: ResolvedDocument;
  rtl: boolean;
  begin(title: string): void;
  /** The slide with room for so many inches, and where they begin. */
  room(height: number): { slide: Slide; y: number };
  left(): number;
}

/** Answers what is not in it. */
export async function writePresentation(document: ResolvedDocument, output: string): Promise<string[]> {
  const file = new Presentation();
  Object.assign(file, {
    layout: "LAYOUT_WIDE",
    title: document.title,
    author: "Platen",
    company: "Platen",
    subject: "",
  });
  file.rtlMode = document.direction === "rtl";
  file.theme = { headFontFace: FONT, bodyFontFace: FONT };
  const deck = createDeck(document, () => file.addSlide());
  const tables = document.blocks.filter((block) => block.type === "table");
  const { shown, left_out } = shareRows(tables, MOST_ROWS);
  // What comes first and is no heading stands below the document's title.
  if (!isTitle(document.blocks[0])) deck.begin(document.title);
  for (const block of document.blocks) {
    if (block.type === "heading" && (block.level ?? 1) === 1) deck.begin(block.text);
    else if (block.type === "page_break") deck.begin("");
    else if (block.type === "table") await addTable(deck, block, shown[tables.indexOf(block)]!);
    else if (block.type === "picture") await addPicture(deck, block);
    else addText(deck, block);
  }
  const made = (await file.write({ outputType: "uint8array" })) as Uint8Array;
  await writeFile(output, rezip(made, document.created_at));
  return left_out;
}

const isTitle = (block: ResolvedBlock | undefined): boolean => block?.type === "heading" && (block.level ?? 1) === 1;

function createDeck(document: ResolvedDocument, addSlide: () => Slide): Deck {
  const rtl = document.direction === "rtl";
  let slide: Slide | undefined;
  let [title, y, number] = [document.title, TOP, 0];
  /** Nothing but its title is on the slide yet. */
  let fresh = false;
  function open(told: string): void {
    slide = addSlide();
    number += 1;
    y = told === "" ? MARGIN : TOP;
    fresh = true;
    if (told !== "") {
      slide.addText(told, {
        ...{ x: MARGIN, y: 0.35, w: WIDTH, h: 0.8, fontSize: told.length > 60 ? 20 : 28, bold: true, color: "1F3A52" },
        ...{ fontFace: FONT, fit: "shrink", valign: "middle", align: rtl ? "right" : "left", rtlMode: rtl, margin: 0 },
        lang: document.language,
      });
    }
    slide.addText(String(number), {
      ...{ x: MARGIN, y: SLIDE.height - 0.45, w: WIDTH, h: 0.3, fontSize: 10, color: "888888" },
      ...{ fontFace: FONT, align: rtl ? "left" : "right", margin: 0 },
    });
  }
  return {
    document,
    rtl,
    begin(told) {
      // A page break before or behind a heading is one new slide, not two.
      if (fresh && slide && told === "") return;
      if (fresh && slide && y === MARGIN) {
        slide.addText(told, {
          ...{ x: MARGIN, y: 0.35, w: WIDTH, h: 0.8, fontSize: 28, bold: true, color: "1F3A52", fontFace: FONT },
          ...{ fit: "shrink", valign: "middle", align: rtl ? "right" : "left", rtlMode: rtl, margin: 0 },
        });
        y = TOP;
      } else open(told);
      title = told;
    },
    room(height) {
      if (!slide || (!fresh && y + height > BOTTOM)) open(title);
      fresh = false;
      const at = y;
      y += height;
      return { slide: slide!, y: at };
    },
    left: () => (slide ? BOTTOM - y : 0),
  };
}

function addText(deck: Deck, block: Exclude<ResolvedBlock, ResolvedTable | ResolvedPicture>): void {
  if (block.type === "page_break") return;
  const write = (text: string, options: PptxGenJS.default.TextPropsOptions, rtl = deck.rtl): void => {
    const size = options.fontSize ?? 16;
    for (const part of slices(text)) {
      const height = Math.max(1, linesOf(part)) * LINE_HEIGHT * (size / 16) + 0.12;
      const { slide, y } = deck.room(height);
      slide.addText(part, {
        ...{
          x: MARGIN,
          y,
          w: WIDTH,
          h: height,
          fontSize: size,
          fontFace: FONT,
          color: "222222",
          valign: "top",
          margin: 0,
        },
        ...{ align: rtl ? "right" : "left", rtlMode: rtl, fit: "shrink", lang: deck.document.language },
        ...options,
      });
    }
  };
  if (block.type === "heading")
    write(block.text, { bold: true, fontSize: block.level === 2 ? 20 : 18, color: "1F3A52" });
  else if (block.type === "paragraph") {
    const rtl = block.direction ? block.direction === "rtl" : deck.rtl;
    write(block.text, { bold: block.bold ?? false }, rtl);
  } else {
    for (const [index, item] of block.items.entries())
      write(item, { bullet: block.ordered ? { type: "number", numberStartAt: index + 1 } : true });
  }
}

const linesOf = (text: string): number =>
  text.split("\n").reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / LINE_CHARACTERS)), 0);

/** Pieces that a slide has room for. */
function* slices(text: string): Generator<string> {
  const most = LINE_CHARACTERS * 13;
  let rest = text;
  while (linesOf(rest) > 15 && rest.length > most / 4) {
    let end = rest.slice(0, most).split("\n").slice(0, 14).join("\n").length;
    const space = rest.lastIndexOf(" ", end);
    if (end === most && space > most / 2) end = space;
    yield rest.slice(0, end);
    rest = rest.slice(end).trimStart();
  }
  yield rest;
}

async function addPicture(deck: Deck, picture: ResolvedPicture): Promise<void> {
  const ratio = picture.height_px / picture.width_px;
  const caption = picture.caption === undefined ? 0 : 0.4;
  const wanted = Math.min(WIDTH, picture.width ? (picture.width / 25.4) * 1.4 : WIDTH);
  const most = BOTTOM - TOP - caption;
  // Rather a new slide than a picture that is small because little room was left.
  const usual = Math.min(wanted, most / ratio);
  const here = Math.min(wanted, (deck.left() - caption) / ratio);
  const width = here > usual * 0.6 ? here : usual;
  const height = width * ratio;
  const { slide, y } = deck.room(height + caption);
  const x = (SLIDE.width - width) / 2;
  // Not by its path, which the file would keep.
  const data = `image/${picture.media};base64,${await readFile(picture.file, "base64")}`;
  slide.addImage({ data, x, y, w: width, h: height, altText: picture.caption ?? "Picture" });
  if (picture.caption === undefined) return;
  slide.addText(picture.caption, {
    ...{
      x: MARGIN,
      y: y + height + 0.03,
      w: WIDTH,
      h: 0.35,
      fontSize: 12,
      italic: true,
      color: "555555",
      fontFace: FONT,
    },
    ...{ align: "center", rtlMode: deck.rtl, fit: "shrink", margin: 0, lang: deck.document.language },
  });
}

async function addTable(deck: Deck, table: ResolvedTable, shown: number): Promise<void> {
  const { document, rtl } = deck;
  const columns = rtl ? table.columns.toReversed() : table.columns;
  const fontSize = columns.length > 10 ? 8 : columns.length > 6 ? 10 : 12;
  // A line, and the margins above and below it.
  const rowHeight = fontSize / 33;
  const rows: PptxGenJS.default.TableRow[] = [];
  const common = { fontSize, fontFace: FONT, rtlMode: rtl, lang: document.language, valign: "middle" as const };
  const start = rtl ? ("right" as const) : ("left" as const);
  const end = rtl ? ("left" as const) : ("right" as const);
  const header = columns.map((column) => ({
    text: headerOf(column, document),
    options: { ...common, bold: true, align: start, fill: { color: "E8EEF4" } },
  }));
  for await (const cells of rowsOf(table, shown)) {
    const told = table.columns.map((column, index) => shownCell(cells[index], column, document));
    rows.push(
      (rtl ? told.toReversed() : told).map(({ text, link, numeric }) => ({
        text,
        options: { ...common, align: numeric ? end : start, ...(link ? { hyperlink: { url: link } } : {}) },
      })),
    );
  }
  const widths = shareWidth(
    WIDTH,
    [header, ...rows].map((row) => row.map(textOf)),
  );
  const title = table.title === undefined ? 0 : 0.5;
  let next = 0;
  do {
    if (deck.left() < title + 4 * rowHeight) deck.begin(table.title ?? "");
    else if (title > 0 && next === 0) addText(deck, { type: "heading", level: 2, text: table.title! });
    const part: PptxGenJS.default.TableRow[] = [header];
    let height = rowHeight;
    while (next < rows.length) {
      const more = rowHeight * tallest(rows[next]!, widths, fontSize);
      if (part.length > 1 && height + more > deck.left() - 0.3) break;
      part.push(rows[next]!);
      height += more;
      next += 1;
    }
    const { slide, y } = deck.room(height + 0.2);
    const border = { type: "solid" as const, pt: 0.5, color: "B8C4D0" };
    slide.addTable(part, {
      x: MARGIN,
      y,
      w: WIDTH,
      colW: widths,
      border,
      margin: [0.03, 0.08, 0.03, 0.08],
      rowH: rowHeight,
    });
  } while (next < rows.length);
  const rest = rowCount(table) - shown;
  if (rest > 0) addText(deck, { type: "paragraph", text: moreRows(rest) });
}

const textOf = (cell: PptxGenJS.default.TableCell | undefined): string =>
  typeof cell?.text === "string" ? cell.text : "";

/** Lines of the row's tallest cell. */
function tallest(row: PptxGenJS.default.TableRow, widths: readonly number[], fontSize: number): number {
  const lines = row.map((cell, index) => {
    const perLine = Math.max(3, (widths[index]! - 0.16) / (fontSize / 130));
    return textOf(cell)
      .split("\n")
      .reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / perLine)), 0);
  });
  return Math.max(1, ...lines);
}
