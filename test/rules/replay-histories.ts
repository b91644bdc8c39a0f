/** Recorded histories, replayed with the workflow code as it is now (`src/replay`). */
import { divergenceLines } from "../../src/cli/replay/show-replay.ts";
import { createReplayer as createHistoryReplayer, type HistoryToReplay } from "../../src/replay/create-replayer.ts";
import { goldenHistories } from "../../src/replay/golden-histories.ts";
import type { History } from "../../src/replay/history.ts";

export interface Recording {
  /** File name without its ending: `<version>-<scenario>`. */
  name: string;
  history: History;
}

/** Every history of a job type's folder, sorted by name. */
export function recordings(folder: string): Recording[] {
  return [...goldenHistories()]
    .map(({ workflow_id, history }) => ({ path: workflow_id.split("/"), history }))
    .filter(({ path }) => path[0] === folder)
    .map(({ path, history }) => ({ name: path[1] ?? "", history }));
}

/**
 * A recording cut after each start of a workflow task, the whole one last: what a worker sees that has nothing cached and is
 * handed the workflow at that moment.
 */
export function prefixes({ name, history }: Recording): Recording[] {
  const cuts = history.events.flatMap(({ eventType }, index) =>
    eventType === "EVENT_TYPE_WORKFLOW_TASK_STARTED" ? [index + 1] : [],
  );
  const cut = cuts.map((end) => ({
    name: `${name}, first ${end} events`,
    history: { events: history.events.slice(0, end) },
  }));
  return [...cut, { name, history }];
}

/** Bundles once; the answer replays recordings and says which ones the code no longer agrees with, and why, as `platen gate` says it. */
export async function createReplayer(
  workflowsPath: string,
): Promise<(recorded: Recording[], options?: { maxCachedWorkflows: number }) => Promise<Record<string, string>>> {
  const replay = await createHistoryReplayer({ workflowsPath });
  return async (recorded, options) => {
    const faults: Record<string, string> = {};
    const histories = recorded.map(({ name, history }): HistoryToReplay => ({ workflow_id: name, history }));
    for await (const { workflow_id, divergence } of replay(histories, options))
      if (divergence) faults[workflow_id] = divergenceLines(divergence).join("\n");
    return faults;
  };
}
