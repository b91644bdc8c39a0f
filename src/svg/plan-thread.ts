/** What runs in the thread of `plan-threads.ts`: a file's plan to rows of overlays in another file. */
import { readSync, writeSync } from "node:fs";
import { overlayText } from "../projects/derive-overlay.ts";
import { PlanFault, type LeftOut } from "./plan-fault.ts";
import type { Plan, PlanOptions } from "./plan.ts";
import { createPlanReader } from "./read-plan.ts";

export interface PlanTask {
  /** File descriptor of the plan, which is read from its beginning. */
  input: number;
  /** File descriptor to which texts of overlays are appended, a line each. */
  output: number;
  options: PlanOptions;
  /** Kibibytes read, then overlays written. */
  counters: Int32Array;
}

/** Overlays that lie together in the output file. */
export interface PlanBatch {
  start: number;
  bytes: number;
  rows: number;
}

export interface ReadPlan extends Omit<Plan, "overlays"> {
  batches: PlanBatch[];
}

export type PlanAnswer = ReadPlan | { fault: Pick<PlanFault, "code" | "message" | "place"> };

const CHUNK = 1 << 17;
const BATCH_ROWS = 500;
const BATCH_LENGTH = 1 << 21;

export default function readPlan({ input, output, options, counters }: PlanTask): PlanAnswer {
  try {
    const { overlays, ...plan } = read(input, options, counters);
    return {
      ...plan,
      leftOut: plan.leftOut.map((each): LeftOut => ({ ...each })),
      batches: write(output, overlays, counters),
    };
  } catch (error) {
    // Classes do not survive the way out of a thread.
    if (!(error instanceof PlanFault)) throw error;
    return {
      fault: {
        code: error.code,
        message: error.message,
        place: error.place && { line: error.place.line, column: error.place.column },
      },
    };
  }
}

function read(input: number, options: PlanOptions, counters: Int32Array): Plan {
  const reader = createPlanReader(options);
  const chunk = Buffer.allocUnsafe(CHUNK);
  for (let at = 0; ;) {
    const bytes = readSync(input, chunk, 0, CHUNK, at);
    if (bytes === 0) return reader.end();
    at += bytes;
    reader.write(chunk.subarray(0, bytes));
    Atomics.store(counters, 0, at >> 10);
  }
}

function write(output: number, overlays: Plan["overlays"], counters: Int32Array): PlanBatch[] {
  const batches: PlanBatch[] = [];
  let start = 0;
  let texts: string[] = [];
  let length = 0;
  const flush = (): void => {
    const lines = Buffer.from(`${texts.join("\n")}\n`);
    for (let done = 0; done < lines.byteLength;)
      done += writeSync(output, lines, done, lines.byteLength - done, start + done);
    batches.push({ start, bytes: lines.byteLength, rows: texts.length });
    start += lines.byteLength;
    Atomics.add(counters, 1, texts.length);
    texts = [];
    length = 0;
  };
  for (const overlay of overlays) {
    // What is not shown in the plan is told beside the text, which is what a release has.
    const text = `${overlay.visible ? "1" : "0"}${overlayText(overlay)}`;
    texts.push(text);
    length += text.length;
    if (texts.length === BATCH_ROWS || length >= BATCH_LENGTH) flush();
  }
  if (texts.length > 0) flush();
  return batches;
}
