/** Replays histories with the workflow code of this checkout. */
import { fileURLToPath } from "node:url";
import {
  bundleWorkflowCode,
  DefaultLogger,
  Worker,
  type InjectedSinks,
  type ReplayWorkerOptions,
} from "@temporalio/worker";
import { explainDivergence, type Divergence } from "./explain-divergence.ts";
import type { History } from "./history.ts";
import type { CommandSinks } from "./tell-commands.ts";
import type { ToldCommand } from "./told-command.ts";

/** A path, not an import: workflows run in the bundle only. */
export const WORKFLOWS_PATH = fileURLToPath(new URL("../../workflows/index.ts", import.meta.url));
const RECORDER = fileURLToPath(new URL("./tell-commands.ts", import.meta.url));

export interface HistoryToReplay {
  /** Comes back with the result; the workflow sees it as its id. */
  workflow_id: string;
  history: History;
}

export interface ReplayResult {
  /** Null: the code decides what the history says. */
  divergence: Divergence | null;
  /** What the code decided, by the number of the event that started the workflow task. */
  commands: ReadonlyMap<number, ToldCommand[]>;
}

/** One history at a time: the next one is asked for when the last one's result was taken. What else is given comes back, too. */
export type Replayer = <Each extends HistoryToReplay>(
  histories: Iterable<Each> | AsyncIterable<Each>,
  options?: { maxCachedWorkflows?: number },
) => AsyncGenerator<Each & ReplayResult>;

export interface ReplayerOptions {
  /** `workflows/index.ts` by default. */
  workflowsPath?: string;
  /** Called when all code is loaded and nothing has run: where breakpoints can be set. */
  onLoaded?: () => void;
}

/** Bundles once, a second. Errors: what the bundler says of the code. */
export async function createReplayer(options: ReplayerOptions = {}): Promise<Replayer> {
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: options.workflowsPath ?? WORKFLOWS_PATH,
    workflowInterceptorModules: [RECORDER],
    logger: new DefaultLogger("ERROR"),
  });
  return async function* replay<Each extends HistoryToReplay>(
    histories: Iterable<Each> | AsyncIterable<Each>,
    { maxCachedWorkflows }: { maxCachedWorkflows?: number } = {},
  ) {
    let current: Each | undefined;
    let commands = new Map<number, ToldCommand[]>();
    const untouched: Each[] = [];
    const sinks: InjectedSinks<CommandSinks> = {
      commands: {
        told: {
          callDuringReplay: true,
          fn: (_info, length, told) => void commands.set(length, [...(commands.get(length) ?? []), ...told]),
        },
      },
    };
    // The type hides maxCachedWorkflows from replays; the worker takes it all the same.
    const replayOptions: ReplayWorkerOptions & { maxCachedWorkflows?: number } = {
      ...{ workflowBundle, sinks },
      ...(maxCachedWorkflows === undefined ? {} : { maxCachedWorkflows }),
    };
    async function* fed() {
      options.onLoaded?.();
      for await (const each of histories) {
        if (!hasTask(each.history)) {
          untouched.push(each);
          continue;
        }
        [current, commands] = [each, new Map()];
        yield { workflowId: each.workflow_id, history: each.history as never };
      }
    }
    const passed = (): (Each & ReplayResult)[] =>
      untouched.splice(0).map((each) => ({ ...each, divergence: null, commands: new Map() }));
    for await (const { error } of Worker.runReplayHistories(replayOptions, fed())) {
      yield* passed();
      if (!current) continue;
      const divergence = error ? explainDivergence({ error, history: current.history, commands }) : null;
      yield { ...current, divergence, commands };
    }
    yield* passed();
  };
}

/** One that starts later has only its first event: the SDK would wait for a task for ever, and any code agrees with it. */
function hasTask({ events }: History): boolean {
  return events.some(({ eventType }) => eventType.startsWith("EVENT_TYPE_WORKFLOW_TASK_"));
}
