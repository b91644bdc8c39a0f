/** Replays one history against this checkout and tells what happened in it. Loaded when it is needed: Temporal's worker is. */
import { printable } from "../../../contract/printable.ts";
import type { Divergence } from "../../replay/explain-divergence.ts";
import type { FoundHistory } from "../../replay/history-file.ts";
import { createReplayer } from "../../replay/create-replayer.ts";
import { isDebugged, pauseForDebugger } from "../../replay/pause-for-debugger.ts";
import { quietRuntime } from "../../replay/quiet-runtime.ts";
import { shownPlace, tellTimeline } from "../../replay/timeline.ts";
import { waitingFor } from "../../replay/waiting-for.ts";
import type { Output } from "../output.ts";
import { divergenceLines, timelineLines } from "./show-replay.ts";

/** Answers the divergence, if there is one. `bundle`: where it was saved. */
export async function runReplay(
  output: Output,
  found: FoundHistory,
  bundle: string | null,
): Promise<Divergence | null> {
  quietRuntime();
  const replay = await createReplayer({ onLoaded: pauseForDebugger, ...(isDebugged() ? { limit: null } : {}) });
  for await (const { history, divergence, commands } of replay([found])) {
    const timeline = tellTimeline(history, commands);
    output.emit({
      ...{ workflow_id: found.workflow_id, run_id: found.run_id, bundle, events: history.events.length },
      ...{ replayed: divergence === null, divergence, timeline },
    });
    for (const line of timelineLines(output, timeline, divergence)) output.say(line);
    if (divergence) {
      const [first = "", ...rest] = divergenceLines(divergence);
      output.say([`${output.style(["red", "bold"], "✗")} ${first}`, ...rest].join("\n"));
    } else {
      output.say(
        `${output.style("green", "✓")} This code decides what the history says: ${history.events.length} events replayed.`,
      );
      const last = [...commands.values()].flat().findLast(({ place }) => place);
      const waits = waitingFor(history);
      if (waits.length > 0)
        output.say(
          `  It stands at ${last?.place ? shownPlace(last.place) : "its beginning"} and waits for ${printable(waits.join(", "))}.`,
        );
    }
    return divergence;
  }
  throw new Error("the replay ended without a result");
}
