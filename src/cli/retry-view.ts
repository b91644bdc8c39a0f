/** A retry as it would be, for people. */
import type { ForetoldMembers, MemberShare } from "../jobs/groups/foretell-members.ts";
import type { RetryPreview } from "../jobs/retry-preview.ts";
import type { Work } from "../jobs/retry-steps.ts";
import type { Output } from "./output.ts";

/** What it would do, step by step and in numbers, and what is live there; or why it would be refused. */
export function previewLines(output: Output, preview: RetryPreview): string[] {
  const { refused, generation, from, steps, touches } = preview;
  const width = Math.max(...steps.map(({ name }) => name.length));
  const head = refused
    ? `${output.style("red", "✗")} It would be refused: ${refused.message}`
    : `Generation ${generation} would begin at ${from}${touches ? `: ${touches.project} v${touches.version} → ${touches.environment}` : ""}`;
  const table = steps.map(({ name, action, why }) => {
    const [mark, style, does] =
      action === "reuse" ? (["✓", "green", "reused"] as const) : (["▸", "cyan", "runs  "] as const);
    return `  ${output.style(style, mark)} ${name.padEnd(width)}  ${does}  ${output.style("dim", why)}`;
  });
  return [
    head,
    ...table,
    `  Reused: ${workText(preview.reuse)}`,
    `  Again:  ${workText(preview.run_again)}`,
    ...(preview.members ? membersLines(preview.members) : []),
    ...(touches ? [`  ${touchedText(touches)}`] : []),
  ];
}

/** Which members, by key; a line for each share that has any. */
function membersLines({ done, again, skipped, open }: ForetoldMembers): string[] {
  const line = (label: string, { count, keys }: MemberShare): string[] => {
    const others = count > keys.length ? ` and ${count - keys.length} more` : "";
    return count > 0 ? [`  ${label.padEnd(10)} ${keys.join(", ")}${others}`] : [];
  };
  return [
    ...line("Done:", done),
    ...line("Run again:", again),
    ...line("Not begun:", skipped),
    ...line("Running:", open),
  ];
}

function touchedText({ live_now, becomes, environment }: NonNullable<RetryPreview["touches"]>): string {
  const live = live_now
    ? `${live_now.release_id} (v${live_now.version}, epoch ${live_now.epoch}, since ${live_now.since.slice(0, 19)}Z)`
    : "nothing";
  const next = `${becomes.release_id ?? "a release yet to be named"} (v${becomes.version}, epoch ${becomes.epoch})`;
  return `Live in ${environment}: ${live}; it becomes ${next}`;
}

function workText(work: Work): string {
  const {
    steps,
    overlays = 0,
    release_bytes = null,
    tiles = 0,
    tile_bytes = 0,
    tiles_verified = 0,
    members = 0,
  } = work;
  const release = release_bytes === null ? "" : ` in ${bytesText(release_bytes)} of release.json`;
  const parts = [
    steps === 1 ? "1 step" : `${steps} steps`,
    ...(overlays > 0 ? [`${overlays} overlays${release}`] : []),
    ...(tiles > 0 ? [`upload of ${tiles} tiles (${bytesText(tile_bytes)})`] : []),
    ...(members > 0 ? [members === 1 ? "1 member" : `${members} members`] : []),
    ...(tiles_verified > 0 ? [`verification of ${tiles_verified} tiles`] : []),
  ];
  return parts.join(" · ");
}

const KILO = 1_000;

function bytesText(bytes: number): string {
  if (bytes < KILO) return `${bytes} B`;
  return bytes < KILO * KILO ? `${(bytes / KILO).toFixed(1)} kB` : `${(bytes / KILO / KILO).toFixed(1)} MB`;
}
