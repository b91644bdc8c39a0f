/** What every command is given, and the one way to run one. */
import type { Command } from "commander";
import { createPlatenClient, type PlatenClient } from "../client/client.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { findServer, type ServerAddress } from "./find-server.ts";
import { createOutput, type Output } from "./output.ts";
import { createServer, type Server } from "./server.ts";

export interface GlobalOptions {
  server?: string;
  apiKey?: string;
  json?: boolean;
  color: boolean;
}

export interface CliContext {
  output: Output;
  /** Found at the first use, so that a wrong folder is told before a missing server. */
  server: () => Server;
  /** The same server, as the published client sees it: to watch jobs. */
  client: () => PlatenClient;
  /** Aborted at Ctrl-C. */
  signal: AbortSignal;
}

export interface Streams {
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
}

/** Runs a command; its errors become sentences and exit codes. */
export type RunCommand = (command: Command, work: (context: CliContext) => Promise<ExitCode>) => Promise<void>;

/** `finish` is told the exit code. */
export function createRunner(streams: Streams, signal: AbortSignal, finish: (code: ExitCode) => void): RunCommand {
  return async (command, work) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const output = createOutput({ ...streams, json: options.json ?? false, color: options.color });
    let found: ServerAddress | undefined;
    let server: Server | undefined;
    const address = (): ServerAddress => (found ??= findServer(options));
    const context: CliContext = {
      output,
      signal,
      server: () => (server ??= createServer(address(), signal)),
      client: () => createPlatenClient(address()),
    };
    try {
      finish(await work(context));
    } catch (error) {
      // Whatever broke because of Ctrl-C is no news to the one who pressed it.
      finish(signal.aborted ? EXIT.interrupted : output.fail(error).exit);
    }
  };
}
