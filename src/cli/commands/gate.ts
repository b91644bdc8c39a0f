import type { Command } from "commander";
import type { GlobalOptions, RunCommand } from "../context.ts";
import { parseDuration, parseGateLimit } from "../parse-option.ts";
import type { GateFlags } from "../replay/run-gate.ts";

/** `platen gate` */
export function addGate(program: Command, run: RunCommand): void {
  program
    .command("gate")
    .description(
      "replay recorded histories (with --live: what runs in Temporal) with this code; fails if it would break one",
    )
    .option("--live", "the namespace's open workflows, and those that closed lately")
    .option("--since <time>", "closed ones from so long ago on: 90m, 24h, 7d", parseDuration, 86_400_000)
    .option(
      "--limit <number>",
      "how many at most, the open ones first; fails if there are more",
      parseGateLimit,
      100_000,
    )
    .option("--temporal <address>", "host:port of Temporal")
    .option("--namespace <name>", "Temporal's namespace")
    .action((options: GateFlags, command: Command) =>
      run(command, async (context) => {
        const { server } = command.optsWithGlobals<GlobalOptions>();
        const flags = { ...options, ...(server === undefined ? {} : { server }) };
        const { gateGolden, gateNamespace } = await import("../replay/run-gate.ts");
        return options.live ? gateNamespace(context, flags) : gateGolden(context);
      }),
    );
}
