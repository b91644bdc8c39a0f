/** Makes the file of a document, in a process of its own (`runApart`). */
import { join } from "node:path";
import type { DocumentFormat } from "../../contract/document-generation.ts";
import { AppError } from "../errors.ts";
import { preparePicture, type RawPicture } from "./prepare-picture.ts";
import type { ResolvedBlock, ResolvedDocument, ResolvedPicture } from "./resolved-document.ts";

export interface RenderOrder {
  format: DocumentFormat;
  document: Omit<ResolvedDocument, "blocks"> & { blocks: (ResolvedBlock | RawPicture)[] };
  /** A folder for what is needed on the way. */
  folder: string;
  output: string;
}

/** One sentence per thing that is not in it. */
export interface Rendered {
  left_out: string[];
}

type Write = (document: ResolvedDocument, output: string, folder: string) => Promise<string[]>;

/** Each library is loaded when it is needed. */
const WRITERS: Record<DocumentFormat, () => Promise<Write>> = {
  spreadsheet: async () => (await import("./write-spreadsheet.ts")).writeSpreadsheet,
  document: async () => (await import("./write-word.ts")).writeWord,
  pdf: async () => (await import("./write-pdf.ts")).writePdf,
  presentation: async () => (await import("./write-presentation.ts")).writePresentation,
};

/** Errors: specification_invalid (pictures that are none), document_not_rendered. */
export async function renderDocument({ format, document, folder, output }: RenderOrder): Promise<Rendered> {
  const left_out: string[] = [];
  const blocks: ResolvedBlock[] = [];
  // By file: what several blocks show is prepared once.
  const prepared = new Map<string, ResolvedPicture>();
  for (const [index, block] of document.blocks.entries()) {
    if (block.type !== "raw_picture") {
      blocks.push(block);
      continue;
    }
    const { source, type: _, ...about } = block;
    const key = source.kind === "file" ? source.file : `${index}`;
    const picture =
      prepared.get(key) ??
      (await preparePicture({ type: "raw_picture", source }, join(folder, `picture-${index}`), (what) =>
        left_out.push(what),
      ));
    prepared.set(key, picture);
    blocks.push({ ...picture, ...about });
  }
  const write = await WRITERS[format]();
  try {
    left_out.push(...(await write({ ...document, blocks }, output, folder)));
  } catch (error) {
    if (error instanceof AppError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new AppError("document_not_rendered", { format, reason }, { cause: error });
  }
  return { left_out };
}
