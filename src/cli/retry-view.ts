/** A retry as it would be, for people. */
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
    ...(touches ? [`  ${touchedText(touches)}`] : []),
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
  const { steps, overlays = 0, release_bytes = null, tiles = 0, tile_bytes = 0, tiles_verified = 0 } = work;
  const release = release_bytes === null ? "" : ` in ${bytesText(release_bytes)} of release.json`;
  const parts = [
    steps === 1 ? "1 step" : `${steps} steps`,
    ...(overlays > 0 ? [`${overlays} overlays${release}`] : []),
    ...(tiles > 0 ? [`upload of ${tiles} tiles (${bytesText(tile_bytes)})`] : []),
    ...(tiles_verified > 0 ? [`verification of ${tiles_verified} tiles`] : []),
  ];
  return parts.join(" · ");
}

const KILO = 1_000;

function bytesText(bytes: number): string {
  if (bytes < KILO) return `${bytes} B`;
  return bytes < KILO * KILO ? `${(bytes / KILO).toFixed(1)} kB` : `${(bytes / KILO / KILO).toFixed(1)} MB`;
}
