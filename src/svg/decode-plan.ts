/** Bytes of a plan to text, in whatever encoding it says it is. */
import { TextDecoder } from "node:util";
import { PlanFault } from "./plan-fault.ts";

/** What a file is by its first bytes, that people take for an SVG. */
const OTHERS: readonly [bytes: string, what: string][] = [
  ["89504e47", "a PNG picture"],
  ["ffd8ff", "a JPEG picture"],
  ["47494638", "a GIF picture"],
  ["52494646", "a WebP picture"],
  ["25504446", "a PDF document: export it as SVG"],
  ["1f8b", "compressed (.svgz): unpack it with gunzip, and send the .svg"],
  ["504b0304", "a ZIP archive: unpack it, and send the .svg"],
  ["41433130", "an AutoCAD drawing (.dwg): export it as SVG"],
  ["49492a00", "a TIFF picture"],
  ["4d4d002a", "a TIFF picture"],
];
const DECLARED = /^<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]{1,40})["']/;

/** Answers what turns chunk after chunk into text; without a chunk, what is left at the end. Errors: PlanFault. */
export function createDecoder(): (chunk?: Uint8Array) => string {
  let decoder: TextDecoder | undefined;
  return (chunk) => {
    if (!chunk && !decoder) return "";
    decoder ??= decoderOf(chunk ?? new Uint8Array());
    try {
      return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
    } catch {
      throw new PlanFault(
        "svg_invalid",
        `it is not ${decoder.encoding.toUpperCase()}, as it says or as XML takes for granted`,
      );
    }
  };
}

function decoderOf(first: Uint8Array): TextDecoder {
  const hex = Buffer.from(first.subarray(0, 8)).toString("hex");
  const other = OTHERS.find(([bytes]) => hex.startsWith(bytes));
  if (other) throw new PlanFault("svg_invalid", `it is ${other[1]}`, { line: 1, column: 1 });
  if (hex.startsWith("fffe")) return new TextDecoder("utf-16le", { fatal: true });
  if (hex.startsWith("feff")) return new TextDecoder("utf-16be", { fatal: true });
  const declared = DECLARED.exec(Buffer.from(first.subarray(0, 200)).toString("latin1").trimStart())?.[1] ?? "utf-8";
  try {
    return new TextDecoder(declared.toLowerCase().startsWith("utf-16") ? "utf-8" : declared, { fatal: true });
  } catch {
    throw new PlanFault("svg_invalid", `its encoding ${declared} is not known`, { line: 1, column: 1 });
  }
}
