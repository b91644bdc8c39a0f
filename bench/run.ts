/**
 * `npm run bench NAME`: runs one bench alone. Progress goes to stderr; stdout is one line of JSON; `bench/results/NAME.json` has
 * the details and the machine's facts. Without a name it lists them. Exit code 1 when it could not be measured; a goal that is
 * not met is a result.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BENCHES } from "./index.ts";
import { goalText, isMet, type Bench, type BenchRoom } from "./support/bench.ts";
import { machineFacts } from "./support/machine.ts";
import { ROOT } from "./support/root.ts";
import { round } from "./support/turns.ts";

async function runBench(bench: Bench): Promise<void> {
  const facts = machineFacts();
  const scratch = join(ROOT, ".platen", "bench");
  await mkdir(scratch, { recursive: true });
  const folder = await mkdtemp(join(scratch, `${bench.name}-`));
  const began = Date.now();
  const tell = (line: string): void =>
    console.error(`${String(Math.round((Date.now() - began) / 1_000)).padStart(4)} s  ${line}`);
  const stops: (() => Promise<void>)[] = [];
  const room: BenchRoom = { folder, tell, onEnd: (stop) => void stops.unshift(stop) };
  const end = async (): Promise<void> => {
    for (const stop of stops.splice(0))
      await stop().catch((error: unknown) => tell(`while stopping: ${String(error)}`));
  };
  process.once("SIGINT", () => void end().finally(() => process.exit(130)));
  tell(`${bench.name}: ${bench.question}`);
  try {
    const { ours, theirs, alsoMet = true, details } = await bench.run(room);
    const ratio = ours / theirs;
    const { name, unit } = bench;
    const line = { name, ratio: round(ratio), goal: goalText(bench), ours: round(ours), theirs: round(theirs), unit };
    const result = { ...line, met: isMet(bench, ratio) && alsoMet, question: bench.question, machine: facts, details };
    await writeFile(join(ROOT, "bench", "results", `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
    await end();
    await rm(folder, { recursive: true, force: true });
    console.log(JSON.stringify(line));
  } catch (error) {
    await end();
    tell(`failed; logs and data are kept in ${folder}`);
    throw error;
  }
}

const [name] = process.argv.slice(2);
const bench = BENCHES.find((each) => each.name === name);
if (bench) await runBench(bench);
else {
  if (name !== undefined) console.error(`There is no bench ${name}.`);
  for (const each of BENCHES) console.log(`${each.name.padEnd(20)} ${goalText(each).padEnd(7)} ${each.question}`);
  process.exitCode = name === undefined ? 0 : 2;
}
