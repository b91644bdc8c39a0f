/** What a command prints: sentences for people, or JSON lines for machines, never both on stdout. */
import { styleText } from "node:util";
import { problemLines, toCliError, type CliError } from "./cli-error.ts";

type Style = Parameters<typeof styleText>[0];

export interface Output {
  readonly json: boolean;
  /** Is someone looking: stdout is a terminal and nobody asked for JSON? */
  readonly terminal: boolean;
  /** For people; silent with `--json`. */
  say(text: string): void;
  /** For machines: one line of JSON; silent without `--json`. */
  emit(value: unknown): void;
  /** An error's sentences on stderr; with `--json` also as an object on stdout. */
  fail(error: unknown): CliError;
  style: (style: Style, text: string) => string;
  readonly stream: NodeJS.WriteStream;
}

/** `color`: false turns it off; it is off anyway where stdout is no terminal or NO_COLOR is set. */
export function createOutput(options: {
  json: boolean;
  color: boolean;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
}): Output {
  const { json, stdout, stderr } = options;
  const colorful = (stream: NodeJS.WriteStream): boolean => options.color && stream.isTTY && stream.hasColors();
  const styled = (on: boolean, style: Style, text: string): string =>
    on ? styleText(style, text, { validateStream: false }) : text;
  return {
    json,
    terminal: stdout.isTTY && !json,
    stream: stdout,
    say: (text) => void (json || stdout.write(`${text}\n`)),
    emit: (value) => void (json && stdout.write(`${JSON.stringify(value)}\n`)),
    style: (style, text) => styled(colorful(stdout), style, text),
    fail(thrown) {
      const error = toCliError(thrown);
      const { code, message, problems, lines } = error;
      if (json)
        stdout.write(`${JSON.stringify({ error: { code, message, action: lines.join(" "), errors: problems } })}\n`);
      const head = `${styled(colorful(stderr), ["red", "bold"], "✗")} ${message}`;
      stderr.write(`${[head, ...problemLines(problems), ...lines].join("\n")}\n`);
      return error;
    },
  };
}
