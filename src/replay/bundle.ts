/**
 * A bundle: one JSON document with everything that a replay of one run needs, and nothing that must not leave the house. A gateway
 * writes it (`GET /jobs/{id}/history`), and so does `platen replay`.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { attributesOf, typeOf, type History, type HistoryEvent } from "./history.ts";
import type { WorkflowRun } from "./read-history.ts";
import { createRedactor, type RedactionReport, type Redactor } from "./redact.ts";
import type { Versions } from "./versions.ts";

/** Raised when readers of before could not read it. */
export const BUNDLE_FORMAT = "platen-replay/1";

/** What a bundle says before its events. */
export interface BundleHead {
  format: typeof BUNDLE_FORMAT;
  made_at: string;
  workflow_id: string;
  run_id: string;
  /** As `GET /jobs/{id}` answers; null when no gateway was asked. */
  job: Record<string, unknown> | null;
  /** All runs of the job that Temporal still lists, newest first. */
  runs: WorkflowRun[];
  /** Of what made the bundle. */
  versions: Versions;
}

export interface Bundle extends BundleHead {
  history: History;
  /** Build ids of the workers that decided this run's way, in the order in which they did. */
  ran_by: string[];
  redactions: RedactionReport;
}

export interface BundleSource extends Omit<BundleHead, "format" | "made_at"> {
  pages: AsyncIterable<HistoryEvent[]> | Iterable<HistoryEvent[]>;
}

/** The document in pieces, redacted, a page of events at a time. */
export async function* bundleText(source: BundleSource, redactor: Redactor = createRedactor()): AsyncGenerator<string> {
  const { pages, ...rest } = source;
  const head: BundleHead = {
    format: BUNDLE_FORMAT,
    made_at: new Date().toISOString(),
    ...redactor.redactDocument(rest),
  };
  yield `${JSON.stringify(head, null, 1).slice(0, -2)},\n "history": {"events": [`;
  const ranBy = new Set<string>();
  let comma = "";
  for await (const events of pages) {
    const lines: string[] = [];
    for (const event of events) {
      const build = buildOf(event);
      if (build) ranBy.add(build);
      lines.push(JSON.stringify(redactor.redact(event)));
      // A gateway has others to serve, and a megabyte takes a tenth of a second.
      await nextTurn();
    }
    if (lines.length > 0) yield `${comma}\n${lines.join(",\n")}`;
    comma = ",";
  }
  const tail = { ran_by: [...ranBy].map((build) => redactor.redact(build)), redactions: redactor.report() };
  yield `\n]},\n${JSON.stringify(tail, null, 1).slice(2)}\n`;
}

/** Of the worker whose workflow task this is; null on other events. */
export function buildOf(event: HistoryEvent): string | null {
  if (typeOf(event) !== "WORKFLOW_TASK_COMPLETED") return null;
  const { deploymentVersion, workerVersion } = attributesOf(event);
  return deploymentVersion?.buildId || workerVersion?.buildId || null;
}
