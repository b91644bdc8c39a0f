/** Failures of a history, as a person reads them: the sentence, the code, what caused it. */
import { printable, shortened } from "../../contract/printable.ts";
import { decodePayload, type Failure, type Payload } from "./history.ts";

const MAX_MESSAGE = 2_000;
const MAX_CAUSES = 8;

/** The code and the sentence: `upload_damaged: The object …`. */
export function failureSentence(failure: Failure): string {
  const code = failure.applicationFailureInfo?.type;
  const message = printable(shortened(failure.message ?? "", MAX_MESSAGE));
  if (failure.timeoutFailureInfo) return `${timeoutWords(failure)}${heartbeatWords(failure)}`;
  return [code, message].filter(Boolean).join(": ") || "no reason was given";
}

/** The innermost failure with a code of ours; else the one below the wrapping of its activity. */
export function rootFailure(failure: Failure): Failure {
  const chain = chainOf(failure);
  return (
    chain.find(({ applicationFailureInfo: info }) => info?.type) ??
    chain.find((each) => !each.activityFailureInfo) ??
    failure
  );
}

/** `caused by …`, one line each, outermost first; what the sentence above says already is left out. */
export function causeLines(failure: Failure): string[] {
  const chain = chainOf(failure).filter((each) => !each.activityFailureInfo);
  return chain
    .filter((each, at) => at > 0 && !failureSentence(chain[at - 1]!).includes(each.message || "\0"))
    .map((cause) => `caused by ${failureSentence(cause)}`);
}

/** Frames of our own files, from the checkout's root, innermost first; at most `most`. */
export function ownFrames(failure: Failure, most = 3): string[] {
  const frames = (failure.stackTrace ?? "")
    .split("\n")
    .filter((line) => /\.ts:\d+/.test(line) && !/node_modules|node:/.test(line));
  return frames.slice(0, most).map((line) => printable(line.trim().replace(FOLDER, "$<own>")));
}

/** Where the worker's code was, on a machine that is not this one. */
const FOLDER = /(?:file:\/\/)?[^\s(]*?\/(?<own>(?:activities|contract|src|workflows)\/)/;

function chainOf(failure: Failure): Failure[] {
  const chain: Failure[] = [];
  for (let at: Failure | undefined = failure; at && chain.length < MAX_CAUSES; at = at.cause) chain.push(at);
  return chain;
}

function timeoutWords({ timeoutFailureInfo }: Failure): string {
  const type = (timeoutFailureInfo?.timeoutType ?? "").replace("TIMEOUT_TYPE_", "");
  if (type === "HEARTBEAT") return "timed out: no heartbeat came, so its worker is gone or frozen";
  return `timed out (${type.toLowerCase().replaceAll("_", " ") || "unknown limit"})`;
}

function heartbeatWords({ timeoutFailureInfo }: Failure): string {
  const words = progressWords(timeoutFailureInfo?.lastHeartbeatDetails?.payloads);
  return words ? `; its last heartbeat said ${words}` : "";
}

/** What an activity said last (`activities/report-progress.ts`): `49 %, 38 of 151 tiles uploaded`. */
export function progressWords(payloads: Payload[] | undefined): string | null {
  const said = decodePayload(payloads?.[0] ?? {}) as { percent?: unknown; message?: unknown } | null | undefined;
  if (typeof said?.percent !== "number" || typeof said.message !== "string") return null;
  return `${said.percent} %, ${printable(said.message)}`;
}
