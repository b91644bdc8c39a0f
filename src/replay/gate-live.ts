/** Would what runs in a namespace go on with this code? Each workflow is fetched, replayed and forgotten: one in memory at a time. */
import type { Divergence } from "./explain-divergence.ts";
import type { Replayer } from "./create-replayer.ts";
import type { HistoryEvent } from "./history.ts";
import { isGone, type Histories, type WorkflowRun } from "./read-history.ts";

const OPEN = "RUNNING";

export interface BrokenRun {
  run: WorkflowRun;
  divergence: Divergence;
}

export interface GateResult {
  replayed: number;
  /** Of them those that are open. */
  open: number;
  /** Of them those that the code would break; which ones, each is told when it is found. */
  broken: number;
  /** Deleted between the list and the fetch. */
  gone: number;
  /** There are more than the limit: nobody has looked at those. */
  cut: boolean;
}

export interface GateOptions {
  histories: Histories;
  replay: Replayer;
  /** Closed ones from then on; the open ones always. */
  since: Date;
  /** At most so many, the open ones first. */
  limit: number;
  /** Told after each, and of each that breaks as soon as it is known. */
  onReplayed?: (result: Readonly<GateResult>, broken: BrokenRun | null) => void;
}

/** Errors: gRPC's, when Temporal goes away meanwhile: what was not looked at is not passed. */
export async function gateLive({ histories, replay, since, limit, onReplayed }: GateOptions): Promise<GateResult> {
  const result: GateResult = { replayed: 0, open: 0, broken: 0, gone: 0, cut: false };
  async function* found() {
    let looked = 0;
    const open = new Set<string>();
    for await (const run of histories.recent(since)) {
      // One that closes between the two lists is in both.
      if (open.has(run.run_id)) continue;
      if (run.status === OPEN) open.add(run.run_id);
      looked += 1;
      if (looked > limit) {
        result.cut = true;
        return;
      }
      const events = await eventsOf(histories, run);
      if (events.length === 0) result.gone += 1;
      else yield { run, workflow_id: run.workflow_id, history: { events } };
    }
  }
  for await (const { run, divergence } of replay(found())) {
    result.replayed += 1;
    if (run.status === OPEN) result.open += 1;
    const broken = divergence ? { run, divergence } : null;
    if (broken) result.broken += 1;
    onReplayed?.(result, broken);
  }
  return result;
}

async function eventsOf(histories: Histories, run: WorkflowRun): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  try {
    for await (const page of histories.pages(run)) events.push(...page);
    return events;
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}
