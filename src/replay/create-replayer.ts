/** Replays histories with the workflow code of this checkout. */
import { fileURLToPath } from "node:url";
import { historyFromJSON } from "@temporalio/common/lib/proto-utils.js";
import {
  bundleWorkflowCode,
  DefaultLogger,
  Worker,
  type InjectedSinks,
  type ReplayWorkerOptions,
  type WorkflowBundleWithSourceMap,
} from "@temporalio/worker";
import { keptBundle } from "../kept-bundle.ts";
import { explainDivergence, type Divergence } from "./explain-divergence.ts";
import { typeOf, type History } from "./history.ts";
import type { CommandSinks } from "./tell-commands.ts";
import type { ToldCommand } from "./told-command.ts";

/** A path, not an import: workflows run in the bundle only. */
const WORKFLOWS_PATH = fileURLToPath(new URL("../../workflows/index.ts", import.meta.url));
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
  /** Milliseconds for a history, besides some for each of its events; null for as long as it takes, with a debugger. */
  limit?: number | null;
}

/** A replay takes milliseconds; this is for busy machines. */
const LIMIT_MS = 60_000;
const LIMIT_PER_EVENT_MS = 20;

/** Bundles once for each state of the code, two seconds. Errors: what the bundler says of the code. */
export async function createReplayer({ limit = LIMIT_MS, ...options }: ReplayerOptions = {}): Promise<Replayer> {
  const bundle = (workflowsPath: string): Promise<WorkflowBundleWithSourceMap> =>
    bundleWorkflowCode({
      ...{ workflowsPath, workflowInterceptorModules: [RECORDER] },
      logger: new DefaultLogger("ERROR"),
    });
  const workflowBundle = options.workflowsPath
    ? await bundle(options.workflowsPath)
    : await keptBundle("replayed", () => bundle(WORKFLOWS_PATH));
  return async function* replay<Each extends HistoryToReplay>(
    histories: Iterable<Each> | AsyncIterable<Each>,
    { maxCachedWorkflows }: { maxCachedWorkflows?: number } = {},
  ) {
    const source = (async function* () {
      yield* histories;
    })();
    const told: (Each & ReplayResult)[] = [];
    const alarm = createAlarm();
    let current: Each | undefined;

    /** A worker of its own: one that hangs is left behind with its histories, and the next goes on with the others. */
    function start() {
      let commands = new Map<number, ToldCommand[]>();
      const sinks: InjectedSinks<CommandSinks> = {
        commands: {
          told: {
            callDuringReplay: true,
            fn: (_info, length, more) => void commands.set(length, [...(commands.get(length) ?? []), ...more]),
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
        for (;;) {
          const { done, value: each } = await source.next();
          if (done) return;
          const unreadable = hasTask(each.history) ? unreadableEvent(each.history) : null;
          if (unreadable || !hasTask(each.history)) {
            told.push({ ...each, divergence: unreadable, commands: new Map() });
            continue;
          }
          [current, commands] = [each, new Map()];
          if (limit !== null) alarm.set(limit + each.history.events.length * LIMIT_PER_EVENT_MS);
          yield { workflowId: each.workflow_id, history: each.history as never };
        }
      }
      return { results: Worker.runReplayHistories(replayOptions, fed()), commands: () => commands };
    }

    let worker = start();
    let hangs = false;
    try {
      for (;;) {
        const result = await Promise.race([worker.results.next(), alarm.rung()]);
        alarm.stop();
        hangs = result === "late";
        yield* told.splice(0);
        if (result !== "late" && result.done) return;
        if (!current) continue;
        const commands = worker.commands();
        const error = result === "late" ? new Error(NO_END) : result.value.error;
        // While the result is looked at, no worker is asked for anything: `return` can end it.
        if (hangs) worker = start();
        hangs = false;
        yield {
          ...current,
          divergence: error ? explainDivergence({ error, history: current.history, commands }) : null,
          commands,
        };
      }
    } finally {
      alarm.stop();
      if (!hangs) await worker.results.return?.(undefined);
      await source.return(undefined);
    }
  };
}

const NO_END =
  "the replay did not end: the code waits without asking for anything, or events are missing or of a form that Temporal does not write";

interface Alarm {
  set(ms: number): void;
  stop(): void;
  /** Of what is set from now on. */
  rung(): Promise<"late">;
}

function createAlarm(): Alarm {
  let timer: NodeJS.Timeout | undefined;
  let ring = (): void => {};
  return {
    set(ms) {
      clearTimeout(timer);
      timer = setTimeout(() => ring(), ms);
    },
    stop: () => clearTimeout(timer),
    rung: () => new Promise((resolve) => (ring = () => resolve("late"))),
  };
}

/** The core ends without a word where it finds an event that it does not know. */
function unreadableEvent(history: History): Divergence | null {
  const error = (event: number | null, reason: string): Divergence => ({
    ...{ kind: "error", event_id: event, history: null, code: null, place: null, reason },
  });
  try {
    const unknown = historyFromJSON(history).events?.findIndex(({ eventType }) => !eventType) ?? -1;
    if (unknown < 0) return null;
    const event = history.events[unknown]!;
    return error(
      Number(event.eventId),
      `this SDK does not know events of the type ${typeOf(event)}: a newer Temporal wrote it, so replay it with a platen that has a newer SDK`,
    );
  } catch (thrown) {
    return error(null, `the history cannot be read: ${(thrown as Error).message}`);
  }
}

/** One that starts later has only its first event: the SDK would wait for a task for ever, and any code agrees with it. */
function hasTask({ events }: History): boolean {
  return events.some(({ eventType }) => eventType.startsWith("EVENT_TYPE_WORKFLOW_TASK_"));
}
