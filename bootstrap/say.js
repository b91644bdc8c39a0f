/** What the bootstrap tells: plain lines, and progress that stays on one line in a terminal. */

/** A failure that needs no stack: one sentence with the line that mends it. */
export class Missing extends Error {}

/** @param {string} line */
export function say(line) {
  console.error(line);
}

/**
 * Runs `work` under a headline that shows the elapsed seconds and what `work` last noted: in place in a terminal, a line
 * every 15 s when piped. Ends with one line that says how long it took.
 * @template T
 * @param {string} headline
 * @param {(note: (text: string) => void) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function showProgress(headline, work) {
  const live = Boolean(process.stderr.isTTY);
  const began = Date.now();
  let noted = "";
  const line = () => `  ${Math.round((Date.now() - began) / 1000)} s  ${noted}`;
  const inPlace = () => process.stderr.write(`\r${line().slice(0, (process.stderr.columns || 80) - 1)}\x1b[K`);
  say(`${headline} …`);
  const timer = setInterval(() => (live ? inPlace() : say(line())), live ? 250 : 15_000);
  let outcome = "failed";
  try {
    const result = await work((text) => (noted = text));
    outcome = "done";
    return result;
  } finally {
    clearInterval(timer);
    say(`${live ? "\r\x1b[K" : ""}  ${outcome} after ${Math.round((Date.now() - began) / 1000)} s`);
  }
}

/**
 * Runs the main function of a command; a `Missing` becomes its sentence and exit code 1.
 * @param {() => Promise<number | void>} main resolves with the exit code, 0 when it has none
 */
export async function command(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
