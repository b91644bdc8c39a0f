/** The dev server of the Temporal CLI: a real server, with its Web UI, on SQLite. */
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Connection } from "@temporalio/client";
import getPort from "get-port";
import { findTemporal } from "../../bootstrap/temporal-cli.js";
import { startChild, untilReady, type Child, type StartChild } from "./child.ts";
import { listensOn } from "./listens-on.ts";
import { onFreePorts } from "./on-free-ports.ts";

export interface TemporalServer {
  child: Child;
  /** host:port of the frontend. */
  address: string;
  namespace: string;
  /** Null when headless. */
  webUi: string | null;
  /** Kills after 4 s; what a workflow recorded is in the file by then, or was never acknowledged. */
  stop(): Promise<void>;
}

export interface TemporalOptions {
  /** SQLite file; in memory when absent. */
  file?: string;
  log: string;
  /** Preferred port; a free one is taken when it is absent or in use. */
  port?: number;
  /** Preferred port of the Web UI; headless when absent. */
  uiPort?: number;
  /** `startChild` by default. */
  start?: StartChild;
  /** Settings beside those of `temporal-config/dynamic-config.json`, as `key=JSON`. */
  dynamicConfig?: readonly string[];
}

const NAMESPACE = "default";

/** Resolves when workflows can be started. Errors: no `temporal` binary, no start. */
export function startTemporal(options: TemporalOptions): Promise<TemporalServer> {
  // It chooses more ports itself, of which none can be told to it: for HTTP, metrics and between its services.
  return onFreePorts(() => startOnce(options));
}

async function startOnce(options: TemporalOptions): Promise<TemporalServer> {
  const binary = (await findTemporal())?.path;
  if (!binary) {
    throw new Error(
      "There is no usable `temporal` binary: run `node bootstrap/prepare.js`, which fetches or builds it.",
    );
  }
  const free = (port?: number): Promise<number> =>
    getPort({ host: "127.0.0.1", ...(port === undefined ? {} : { port }) });
  const port = await free(options.port);
  const address = `127.0.0.1:${port}`;
  const uiPort = options.uiPort === undefined ? null : await free(options.uiPort);
  if (options.file) await mkdir(dirname(options.file), { recursive: true });
  const child = await (options.start ?? startChild)({
    name: "Temporal",
    command: binary,
    args: [
      ...["server", "start-dev", "--ip", "127.0.0.1", "--port", String(port), "--log-level", "warn"],
      ...(uiPort === null ? ["--headless"] : ["--ui-port", String(uiPort)]),
      ...(options.file ? ["--db-filename", options.file] : []),
      // 4 publishes a second with SQLite's default settings, 18 with these (and eager execution).
      ...(options.file ? ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"] : []),
      ...[...(await dynamicConfig()), ...(options.dynamicConfig ?? [])].flatMap((value) => [
        "--dynamic-config-value",
        value,
      ]),
      ...(await searchAttributes()).flatMap((attribute) => ["--search-attribute", attribute]),
    ],
    log: options.log,
    env: {},
    stopSignal: "SIGTERM",
  });
  const stop = (): Promise<void> => child.stop(4_000);
  try {
    // If another server has taken the port, it answers as well, and ours ends.
    const isOurs = async (): Promise<boolean> => (await listensOn(child.pid, port)) !== false;
    await untilReady(child, 60_000, async () => (await accepts(address)) && (await isOurs()));
  } catch (error) {
    await stop();
    throw error;
  }
  return { child, address, namespace: NAMESPACE, webUi: uiPort === null ? null : `http://127.0.0.1:${uiPort}`, stop };
}

async function accepts(address: string): Promise<boolean> {
  try {
    const connection = await Connection.connect({ address, connectTimeout: 2_000 });
    try {
      await connection.workflowService.describeNamespace({ namespace: NAMESPACE });
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
}

const settingsFolder = new URL("../../temporal-config/", import.meta.url);

/** `key=value` of the file that compose mounts into the server too. */
async function dynamicConfig(): Promise<string[]> {
  const text = await readFile(new URL("dynamic-config.json", settingsFolder), "utf8");
  const settings = JSON.parse(text) as Record<string, { value: unknown }[]>;
  return Object.entries(settings).map(([key, [first]]) => `${key}=${JSON.stringify(first?.value)}`);
}

async function searchAttributes(): Promise<string[]> {
  const text = await readFile(new URL("search-attributes.json", settingsFolder), "utf8");
  return Object.entries(JSON.parse(text) as Record<string, string>).map(([name, type]) => `${name}=${type}`);
}
