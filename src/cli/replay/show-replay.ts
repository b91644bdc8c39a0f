/** A replay as people read it: the timeline, and what came of it. */
import { printable } from "../../../contract/printable.ts";
import type { Bundle } from "../../replay/bundle.ts";
import type { Divergence } from "../../replay/explain-divergence.ts";
import { duration, shownPlace, type TimelineLine } from "../../replay/timeline.ts";
import type { Output } from "../output.ts";

/** Where a change that broke a replay is mended. */
export const HOW_TO_CHANGE = "CONTRIBUTING.md#changing-a-live-workflow";

/** The lines of a timeline; what stands behind a divergence was not replayed, and is dimmed. */
export function timelineLines(output: Output, lines: readonly TimelineLine[], divergence: Divergence | null): string[] {
  const width = String(lines.at(-1)?.event_id ?? 0).length;
  const end = divergence?.event_id ?? Infinity;
  const marked = divergence ? lines.findIndex(({ event_id }) => event_id >= end) : -1;
  const shown = lines.map((line) => {
    const [mark, style] = styleOf(line, end);
    const head = `${offset(line.ms)}  ${String(line.event_id).padStart(width)}  `;
    const [first = "", ...rest] = [line.text, ...line.more.filter(Boolean)].flatMap((text) => text.split("\n"));
    const below = rest.map((more) => `${" ".repeat(head.length + 2)}${more}`);
    return output.style(style, [`${head}${mark} ${first}`, ...below].join("\n"));
  });
  if (divergence && marked >= 0)
    shown.splice(
      marked,
      0,
      output.style(["red", "bold"], `${" ".repeat(11 + width)}✗ here this code goes another way`),
    );
  return shown;
}

/** `+1.250 s`, in a column. */
const offset = (ms: number): string =>
  (ms < 1_000_000 ? `+${(ms / 1_000).toFixed(3)} s` : `+${duration(ms)}`).padStart(10);

function styleOf({ tone, event_id }: TimelineLine, end: number): [mark: string, style: Parameters<Output["style"]>[0]] {
  if (event_id >= end) return ["·", "dim"];
  if (tone === "good") return ["✓", "green"];
  if (tone === "bad") return ["✗", "red"];
  return tone === "task" ? ["·", "dim"] : ["▸", "reset"];
}

/** Three or four lines: where, what the history says, what the code did, what to do. */
export function divergenceLines({ kind, event_id, history, code, place, reason }: Divergence): string[] {
  const at = event_id === null ? "" : ` at event ${event_id}`;
  if (kind === "error") return [printable(`This code could not go on${at}: ${reason}`)];
  return [
    `This code diverges${at}.`,
    `  history:   ${history ?? "nothing: the workflow waited"}`,
    `  this code: ${code ?? "nothing: it waited"}${place ? `  (${shownPlace(place)})` : ""}`,
    `  ${reason}`,
    `Open runs like this one would be stuck with it. Put the change behind \`patched("what-it-does")\`: ${HOW_TO_CHANGE}`,
  ].map(printable);
}

/** What was taken out of a bundle, in one line. */
export function redactionWords({ replaced, dropped, kept_unread }: Bundle["redactions"]): string {
  const words = Object.entries(replaced).map(([kind, count]) => `${count} ${kind}`);
  if (dropped > 0) words.push(`${dropped} unreadable payloads left out`);
  if (kept_unread > 0) words.push(`${kept_unread} unreadable payloads KEPT, because the replay needs them`);
  return words.length > 0 ? `redacted: ${words.join(", ")}` : "nothing had to be redacted";
}
