/** What becomes of a watch's connection, in one line each time; errors when there is nothing to wait for. */
import type { PlatenError } from "../client/platen-error.ts";
import type { ConnectionLost, ConnectionNotice, WatchEvent } from "../client/watch-events.ts";
import { CliError, toCliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";

/** Longer than four pings: after that the server counts as gone. */
const PATIENCE_MS = 120_000;

/** To be told every event of one watch. Errors: `PlatenError` if there was no gateway to begin with; `CliError` when patience is at its end. */
export function createConnectionTeller(say: (line: string) => void, url: string): (event: WatchEvent) => void {
  let state: "new" | "answered" | ConnectionNotice["state"] = "new";
  return (event) => {
    const before = state;
    if (event.type !== "connection") {
      if (before === "new") state = "answered";
    } else if (event.state !== "lost") {
      state = event.state;
      if (event.state === "polling") say(`${whyNoStream(event.cause)} Asking every 5 seconds instead.`);
    } else {
      const { cause, by, silentMs } = event;
      // The first answer decides, a stream's or else a poll's; a server that has been there is worth waiting for.
      if (before === "new" && cause && (cause.status === 0 || by === "poll")) throw cause;
      if (silentMs > PATIENCE_MS) throw impatience(event, url);
      if (before !== "streaming" && before !== "polling") return;
      state = "lost";
      say(cause ? "Connection lost; joining again …" : "The server ended the stream; joining again …");
    }
  };
}

/** The server's own sentence, if it refuses streams: there are too many. */
function whyNoStream(cause: PlatenError | null): string {
  const isAnswer = cause !== null && cause.status > 0 && cause.code !== "not_platen";
  return isAnswer ? toCliError(cause).message : "Streams do not get through.";
}

/** Whether it was silent, or answered all the time that it is not able to. */
function impatience({ cause }: ConnectionLost, url: string): CliError {
  if (!cause) {
    const message = `${url} cannot be reached: it has been silent for two minutes.`;
    return new CliError(EXIT.unreachable, "server_unreachable", message);
  }
  const { code, message, lines } = toCliError(cause);
  const since = "It has told nothing of the job for two minutes.";
  return new CliError(EXIT.unreachable, code, message, { lines: [since, ...lines], cause });
}
