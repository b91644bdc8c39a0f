#!/usr/bin/env node
/** The command line `platen`: a client of the gateway; `replay` and `gate` ask Temporal, too. docs/cli.md is its manual. */
import { EXIT } from "./exit-codes.ts";
import { runCli } from "./program.ts";

const interrupt = new AbortController();
process.once("SIGINT", () => interrupt.abort());
process.once("SIGTERM", () => interrupt.abort());
// `platen jobs | head -1`: the reader has seen enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) =>
  process.exit(error.code === "EPIPE" ? EXIT.ok : EXIT.refused),
);

process.exitCode = await runCli(process.argv.slice(2), process, interrupt.signal);
// A replay that the SDK never ended would keep the process; what ends by itself is gone by then.
setTimeout(() => process.exit(), 1_000).unref();
