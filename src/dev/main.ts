/**
 * `npm start [-- --once] [-- --state FOLDER]`: the embedded stack with a first release, until Ctrl-C.
 * Exit codes: 0 stopped or, with `--once`, published; 1 something failed, said on stderr; 130 forced by a second Ctrl-C.
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { reasonOf } from "../errors.ts";
import { publishSample } from "./sample.ts";
import { createStack } from "./stack.ts";
import { describeStack } from "./describe-stack.ts";

const tell = (line: string): void => console.error(line);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { once: { type: "boolean", default: false }, state: { type: "string", default: ".platen" } },
  });
  const folder = resolve(values.state);
  const stack = createStack({ folder, tell });
  const ending = new AbortController();
  const stopped = stopSignal(() => {
    stack.kill();
    process.exit(130);
  });
  const serve = async (): Promise<number> => {
    tell("Starting PostgreSQL, Temporal, gateway and worker …");
    const { file, failed } = await stack.start();
    const broken = failed.then((reason) => Promise.reject(new Error(reason)));
    const sample = { stack: file, folder: join(folder, "examples", "harbour-town"), tell, signal: ending.signal };
    const published = await Promise.race([publishSample(sample), broken]);
    console.log(describeStack(file, published));
    if (values.once) return 0;
    tell("\nServing until Ctrl-C.");
    return broken;
  };
  try {
    return await Promise.race([serve(), stopped.then(() => 0)]);
  } catch (error) {
    tell(reasonOf(error));
    return 1;
  } finally {
    ending.abort();
    await stack.stop();
  }
}

/**
 * Resolves at the first Ctrl-C or SIGTERM; a second one calls `force`. npm passes Ctrl-C on although the terminal has sent it
 * to us as well: what follows within half a second is the same key press.
 */
function stopSignal(force: () => void): Promise<void> {
  let first = 0;
  return new Promise((resolveStop) => {
    const onSignal = (signal: NodeJS.Signals): void => {
      if (first && Date.now() - first > 500) force();
      if (first) return;
      first = Date.now();
      tell(`\n${signal === "SIGINT" ? "Ctrl-C" : signal}: stopping; once more to force it.`);
      resolveStop();
    };
    process.on("SIGINT", onSignal).on("SIGTERM", onSignal).on("SIGHUP", onSignal);
  });
}

process.exit(await main());
