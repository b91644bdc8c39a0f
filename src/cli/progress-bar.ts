/** One bar in a terminal; plain lines where nobody watches; nothing with `--json`. */
import { Presets, SingleBar } from "cli-progress";
import type { Output } from "./output.ts";

export interface ProgressBar {
  update(value: number, text: string): void;
  /** Prints a line above the bar, which stays at the bottom. */
  above(line: string): void;
  stop(): void;
}

/** Share of the way, in percent, between two plain lines. */
const PLAIN_STEP = 25;

/** `total` in any unit; `text` of an update stands behind the bar. */
export function createProgressBar(output: Output, label: string, total: number): ProgressBar {
  return output.terminal ? terminalBar(output, label, total) : plainLines(output, label, total);
}

function terminalBar(output: Output, label: string, total: number): ProgressBar {
  const bar = new SingleBar(
    {
      format: `${label} ${output.style("cyan", "{bar}")} {percentage} %  {text}`,
      barsize: 28,
      hideCursor: true,
      clearOnComplete: true,
      // Bars on stdout, where the lines are that they stand below.
      stream: output.stream,
    },
    Presets.shades_classic,
  );
  let [last, text] = [0, ""];
  bar.start(total, 0, { text });
  return {
    update(value, next) {
      [last, text] = [value, next];
      bar.update(value, { text });
    },
    above(line) {
      bar.stop();
      output.say(line);
      bar.start(total, last, { text });
    },
    stop: () => bar.stop(),
  };
}

function plainLines(output: Output, label: string, total: number): ProgressBar {
  let told = 0;
  return {
    update(value, text) {
      const percent = total > 0 ? Math.floor((value / total) * 100) : 100;
      if (percent < told + PLAIN_STEP) return;
      told = percent - (percent % PLAIN_STEP);
      output.say(`${label} ${percent} %  ${text}`);
    },
    above: (line) => output.say(line),
    stop: () => {},
  };
}
