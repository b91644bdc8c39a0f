/** How a job that does not go straight on is told to people: its cancellation, its attempts, what an operator should look at. */
import { CANCELLATION_STAGES, type CancellationReceipt, type CancellationStage } from "../../contract/cancellation.ts";
import { printable } from "../../contract/printable.ts";
import type { JobState } from "../client/job.ts";
import type { Output } from "./output.ts";

/** `05:55:46 UTC` */
export const clock = (time: string): string => `${time.slice(11, 19)} UTC`;

/** Nothing had begun: all stages came with the request. */
const wasAtOnce = ({ requested_at, compensated_at }: CancellationReceipt): boolean => compensated_at === requested_at;

/** The stages that have been reached, a line each, or one for all where they came at once. `after`: was told before. */
export function receiptLines(receipt: CancellationReceipt, after?: CancellationStage): string[] {
  const { requested_at, compensated_at } = receipt;
  const by = printable(receipt.requested_by ?? "somebody");
  const because = receipt.reason ? `: ${printable(receipt.reason)}` : "";
  if (wasAtOnce(receipt)) return [`Cancelled by ${by} at ${clock(requested_at)}, before it had begun${because}`];
  const lines: Record<CancellationStage, string | null> = {
    requested: `Cancel requested by ${by} at ${clock(requested_at)}${because}`,
    acknowledged: receipt.acknowledged_at && `Seen at ${clock(receipt.acknowledged_at)}: what runs is being stopped`,
    stopped: receipt.stopped_at && `Stopped at ${clock(receipt.stopped_at)}: nothing works on the job any more`,
    compensated:
      compensated_at && `Over at ${clock(compensated_at)}: nothing was published, and the next publish may come`,
  };
  const terminated =
    receipt.terminated_at && `Terminated at ${clock(receipt.terminated_at)}: it had not stopped by its deadline`;
  const from = after ? CANCELLATION_STAGES.indexOf(after) + 1 : 0;
  return CANCELLATION_STAGES.slice(from)
    .flatMap((stage) => (stage === "compensated" ? [terminated, lines[stage]] : [lines[stage]]))
    .filter((line) => typeof line === "string");
}

/** What comes of it, as far as that is known. `id`: as the user has typed it. */
export function outlookLine(receipt: CancellationReceipt, id: string): string {
  if (receipt.outcome === "cancelled") return "The job is cancelled.";
  if (receipt.outcome === "too_late") return "It came too late: the job has ended otherwise.";
  const limit = receipt.deadline_at ? ` What has not stopped by ${clock(receipt.deadline_at)} is terminated.` : "";
  return `It stops within seconds, unless it goes live first.${limit} \`platen watch ${id}\` tells.`;
}

/** `attempt 3, next try at 05:55:46 UTC`; null while it is the first that works. */
export function attemptText({ attempt = 1, next_attempt_at }: JobState): string | null {
  if (next_attempt_at) return `attempt ${attempt}, next try at ${clock(next_attempt_at)}`;
  return attempt > 1 ? `attempt ${attempt}` : null;
}

/** Between two lines about the same trouble, where they cannot be overwritten. */
const REMIND_MS = 60_000;

/**
 * Tells each stage of a cancellation, each thing to look at, and (where no bar shows it) that and when something is tried again. `told`:
 * the receipt that was shown before.
 */
export function createTrialsTeller(
  say: (line: string) => void,
  { style, terminal }: Pick<Output, "style" | "terminal">,
  told?: CancellationReceipt,
): (job: JobState) => void {
  let receipt = told;
  let attention: string | undefined;
  /** What it said of itself while nothing was wrong. */
  let quiet: string | null = null;
  let trouble: { message: string | null; at: number } | undefined;

  return (job) => {
    const { cancellation, message, next_attempt_at } = job;
    // What came at once is told with the outcome.
    if (cancellation && !wasAtOnce(cancellation)) {
      const same = receipt?.requested_at === cancellation.requested_at;
      for (const line of receiptLines(cancellation, same ? receipt?.stage : undefined)) say(style("yellow", line));
      receipt = cancellation;
    }
    if (job.attention && job.attention.code !== attention)
      say(style("yellow", `! ${job.attention.code}: ${printable(job.attention.message)}`));
    attention = job.attention?.code;
    if (!next_attempt_at) quiet = message;
    if (terminal || !next_attempt_at) return;
    // The event of the trouble's log entry has the message of before it; the state that follows has it.
    if (message === quiet && message !== trouble?.message) return;
    if (trouble?.message === message && performance.now() - trouble.at < REMIND_MS) return;
    trouble = { message, at: performance.now() };
    say(`${printable(message ?? "")} (${attemptText(job)})`.trim());
  };
}
