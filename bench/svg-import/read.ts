/**
 * Reads a plan in a process of its own, which is cold as a worker's thread is.
 *
 *   read.ts PLAN ours     to texts of overlays in a file, as a job does it
 *   read.ts PLAN theirs   saxes alone: decodes and parses, and counts elements
 */
import { open, readFile, rm } from "node:fs/promises";
import { argv } from "node:process";
import { SaxesParser } from "saxes";
import { createPlanThreads } from "../../src/svg/plan-threads.ts";

const [, , path = "", side = ""] = argv;
const PIECE = 1 << 17;

async function ours(): Promise<number> {
  const [input, output] = [await open(path), await open(`${path}.rows`, "w")];
  const { signal } = new AbortController();
  const read = await createPlanThreads().read(
    { input: input.fd, output: output.fd, options: {} },
    { signal, told: () => undefined },
  );
  await Promise.all([input.close(), output.close()]);
  await rm(`${path}.rows`);
  if (read.leftOutCount > 0) throw new Error(`left out: ${JSON.stringify(read.leftOut.slice(0, 3))}`);
  return read.batches.reduce((sum, { rows }) => sum + rows, 0);
}

async function theirs(): Promise<number> {
  const bytes = await readFile(path);
  const parser = new SaxesParser();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let count = 0;
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", () => void (count += 1));
  for (let at = 0; at < bytes.length; at += PIECE)
    parser.write(decoder.decode(bytes.subarray(at, at + PIECE), { stream: true }));
  parser.close();
  return count;
}

const began = performance.now();
const count = await (side === "ours" ? ours() : theirs());
const seconds = (performance.now() - began) / 1_000;
console.log(JSON.stringify({ count, seconds, cpu: process.cpuUsage().user / 1e6 }));
process.exit(0);
