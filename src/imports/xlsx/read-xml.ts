/** A part of a workbook as XML, element by element. Entities of its own and document types are refused: no workbook has them. */
import { SaxesParser } from "saxes";
import { AppError, reasonOf } from "../../errors.ts";
import { MAX_TABLE_ROW } from "../raw-row.ts";
import { refused } from "./archive.ts";

export interface XmlHandlers {
  /** `name`: without a prefix. */
  open?: (name: string, attributes: Record<string, string>) => void;
  close?: (name: string) => void;
  /** May come in several pieces. */
  text?: (text: string) => void;
}

/**
 * Bytes without a tag's or a text's end: the parser keeps all of them, whatever they are. Of UTF-8 no character of a row takes more
 * than four.
 */
const MAX_OPEN = 4 * MAX_TABLE_ROW;
/** Elements within each other: the parser keeps all that are open. Workbooks have about ten. */
const MAX_DEPTH = 256;

const local = (name: string): string => name.slice(name.indexOf(":") + 1);

/** Yields once for each chunk that has been read, so that its reader can take what the handlers have gathered. Error: `import_archive_refused`. */
export async function* readXml(
  { name, part }: { name: string; part: string },
  bytes: AsyncIterable<Buffer>,
  handlers: XmlHandlers,
): AsyncGenerator<void, void, undefined> {
  const parser = new SaxesParser({ position: false });
  const { open, close, text } = handlers;
  parser.on("doctype", () => {
    throw refused(name, `${part} has a document type, by which entities grow without end`);
  });
  // The first one ends it: what follows would be guessed.
  parser.on("error", (error) => {
    throw error;
  });
  let since = 0;
  let depth = 0;
  parser.on("opentag", (tag) => {
    since = 0;
    depth += 1;
    if (depth > MAX_DEPTH) throw refused(name, `${part} has more than ${MAX_DEPTH} elements within each other`);
    open?.(local(tag.name), tag.attributes as Record<string, string>);
  });
  parser.on("closetag", (tag) => {
    since = 0;
    depth -= 1;
    close?.(local(tag.name));
  });
  for (const kind of ["text", "cdata"] as const)
    parser.on(kind, (piece) => {
      since = 0;
      text?.(piece);
    });
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const parse = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      throw error instanceof AppError ? error : refused(name, `${part}: ${reasonOf(error)}`, error);
    }
  };
  for await (const chunk of bytes) {
    since += chunk.byteLength;
    if (since > MAX_OPEN) throw refused(name, `${part} has a text or a tag of more than ${MAX_OPEN} bytes`);
    parse(() => void parser.write(decoder.decode(chunk, { stream: true })));
    yield;
  }
  parse(() => void parser.write(decoder.decode()).close());
  yield;
}

/** The whole part at once, for what is small or has been counted. */
export async function readWholeXml(...args: Parameters<typeof readXml>): Promise<void> {
  for await (const _ of readXml(...args));
}
