/** Replays recorded histories with the workflow code as it is now. */
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { bundleWorkflowCode, DefaultLogger, Worker, type ReplayWorkerOptions } from "@temporalio/worker";

/** As `temporal workflow show --output json` prints it. */
interface RecordedHistory {
  events: { eventType: string }[];
}

export interface Recording {
  /** File name without its ending: `<version>-<scenario>`. */
  name: string;
  history: RecordedHistory;
}

/** Every history of a job's folder, sorted by name. */
export function recordings(folder: string): Recording[] {
  return globSync("*.json", { cwd: folder })
    .toSorted()
    .map((file) => ({
      name: basename(file, ".json"),
      history: JSON.parse(readFileSync(join(folder, file), "utf8")) as RecordedHistory,
    }));
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

/** Bundles once; the answer replays recordings and says which ones the code no longer agrees with, and why. */
export async function createReplayer(
  workflowsPath: string,
): Promise<(recorded: Recording[], options?: { maxCachedWorkflows: number }) => Promise<Record<string, string>>> {
  const workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger("ERROR") });
  return async (recorded, options) => {
    const faults: Record<string, string> = {};
    // The type hides maxCachedWorkflows from replays; the worker takes it all the same.
    const replayOptions: ReplayWorkerOptions = { workflowBundle, ...options };
    const histories = recorded.map(({ name, history }) => ({ workflowId: name, history }));
    for await (const { workflowId, error } of Worker.runReplayHistories(replayOptions, histories as never))
      if (error) faults[workflowId] = error.message;
    return faults;
  };
}
