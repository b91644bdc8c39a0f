/** The gate before a deployment: tells which workflows the code would break, and fails then. */
import { printable } from "../../../contract/printable.ts";
import { createReplayer } from "../../replay/create-replayer.ts";
import { gateLive, type BrokenRun, type GateResult } from "../../replay/gate-live.ts";
import { goldenHistories } from "../../replay/golden-histories.ts";
import { quietRuntime } from "../../replay/quiet-runtime.ts";
import { createHistories } from "../../replay/read-history.ts";
import { CliError } from "../cli-error.ts";
import type { CliContext } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { findTemporal, type TemporalFlags } from "./find-temporal.ts";
import { divergenceLines } from "./show-replay.ts";
import { temporalError } from "./temporal-error.ts";

/** What `platen gate` is given. */
export interface GateFlags extends TemporalFlags {
  live?: boolean;
  /** Milliseconds. */
  since: number;
  limit: number;
}

/** Between two lines that say how far it is. */
const TELL_MS = 2_000;

/** The histories of `test/histories`. Error: `no_histories`, outside a checkout. */
export async function gateGolden({ output }: CliContext): Promise<ExitCode> {
  quietRuntime();
  const replay = await createReplayer();
  let [replayed, broken] = [0, 0];
  for await (const { workflow_id, divergence } of replay(goldenHistories())) {
    replayed += 1;
    output.emit({ history: workflow_id, divergence });
    if (!divergence) continue;
    broken += 1;
    output.say(brokenText(output, `test/histories/${workflow_id}.json`, divergence));
  }
  if (replayed === 0)
    throw new CliError(EXIT.refused, "no_histories", "There is no history in test/histories: this is no checkout.", {
      lines: ["`platen gate --live` replays what runs in a namespace."],
    });
  return verdict(output, broken, `${replayed} recorded histories`);
}

/** Errors: `no_temporal`, `temporal_unreachable`, `namespace_not_found`: what could not be looked at has not passed. */
export async function gateNamespace(context: CliContext, flags: GateFlags): Promise<ExitCode> {
  const { output } = context;
  const temporal = findTemporal(flags);
  if (!temporal)
    throw new CliError(
      EXIT.usage,
      "no_temporal",
      "No Temporal is named, and no stack runs in this folder or above it.",
      {
        lines: [
          "Name it with --temporal HOST:PORT and --namespace, or PLATEN_TEMPORAL_ADDRESS and PLATEN_TEMPORAL_NAMESPACE.",
        ],
      },
    );
  quietRuntime();
  const histories = createHistories(temporal);
  try {
    await histories.ping();
    const replay = await createReplayer();
    const tell = createTeller(output);
    const since = new Date(Date.now() - flags.since);
    const result = await gateLive({ histories, replay, since, limit: flags.limit, onReplayed: tell });
    return liveVerdict(output, result, temporal.namespace);
  } catch (error) {
    throw temporalError(error, temporal, "Nothing has passed: run the gate again when it is back.");
  } finally {
    await histories.close();
  }
}

/** Each that breaks at once, and how far it is now and then: nobody knows beforehand how many there are. */
function createTeller(output: Output): (result: { replayed: number }, broken: BrokenRun | null) => void {
  let told = performance.now();
  return ({ replayed }, broken) => {
    if (broken) {
      const { run, divergence } = broken;
      output.emit({ ...run, divergence });
      output.say(brokenText(output, `${run.workflow_id} (${run.status.toLowerCase()}, run ${run.run_id})`, divergence));
    }
    if (performance.now() - told < TELL_MS) return;
    told = performance.now();
    output.say(`${replayed} replayed …`);
  };
}

function brokenText(output: Output, what: string, divergence: BrokenRun["divergence"]): string {
  return [
    `${output.style("red", "✗")} ${printable(what)}`,
    ...divergenceLines(divergence).map((line) => `  ${line}`),
  ].join("\n");
}

/** Only what was looked at has passed: neither what a limit left out, nor a namespace that has nothing of ours. */
function liveVerdict(output: Output, result: GateResult, namespace: string): ExitCode {
  const { replayed, open, broken, gone, cut } = result;
  output.emit({ replayed, open, broken, gone, cut });
  if (gone > 0) output.say(`${gone} were deleted before they could be read.`);
  const what = `${replayed} workflows of namespace ${namespace}, ${open} of them open`;
  if (cut) {
    const bad = output.style(["red", "bold"], "✗");
    output.say(`${bad} Replayed ${what}: this code would break ${broken} of them, and --limit left out others.`);
    output.say("What was not looked at has not passed: run it again with a larger --limit, or a shorter --since.");
    return EXIT.refused;
  }
  if (replayed > 0) return verdict(output, broken, what);
  output.say(
    `Found no workflows of ours in namespace ${namespace}: nothing was replayed, and nothing can break there.`,
  );
  return EXIT.ok;
}

function verdict(output: Output, broken: number, what: string): ExitCode {
  output.say(
    broken === 0
      ? `${output.style("green", "✓")} Replayed ${what}: this code breaks none.`
      : `${output.style(["red", "bold"], "✗")} Replayed ${what}: this code would break ${broken}.`,
  );
  return broken === 0 ? EXIT.ok : EXIT.refused;
}
