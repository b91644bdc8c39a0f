/**
 * The embedded stack: everything that Platen needs, on one machine, with its state in one folder.
 *
 *   startStack ─► PostgreSQL ∥ Temporal ─► migrations ─► keys ─► gateway ∥ worker ─► ready ──► stop
 *                                                                └─ one that dies later is started again;
 *   when PostgreSQL or Temporal dies, or one dies again within 10 s, `failed` resolves
 */
import { mkdir, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import getPort from "get-port";
import { configEnvironment } from "../config.ts";
import { ensureApiKeys } from "./api-keys.ts";
import { lastLines, untilReady, type Child } from "./child.ts";
import { createChildren, endLeftovers } from "./children.ts";
import { ensureSigningSecret } from "./signing-secret.ts";
import { ensureDatabase } from "./database-store.ts";
import { migrate } from "./migrate.ts";
import { onFreePorts } from "./on-free-ports.ts";
import { startPostgres } from "./postgres.ts";
import { takeRunLock, type RunLock } from "./run-lock.ts";
import { removeStackFile, writeStackFile, type StackFile } from "./stack-file.ts";
import { startTemporal } from "./temporal.ts";

export interface Stack {
  file: StackFile;
  /** Resolves with a sentence and the end of a log when it cannot go on. */
  failed: Promise<string>;
}

export interface StackControl {
  /** Errors: another stack runs in the folder; a part does not start (with the end of its log). */
  start(): Promise<Stack>;
  /** Stops every child, in order, within 5 s; also while `start` is under way. What is acknowledged is on disk. */
  stop(): Promise<void>;
  /** Kills every child at once. Loses nothing either: everything is written ahead; the next start takes longer. */
  kill(): void;
}

/** Those who write go first, then what they write to. The limits add up to less than 5 s. */
const STOP = [
  { names: ["gateway", "worker"], graceMs: 1_800 },
  { names: ["Temporal"], graceMs: 1_500 },
  { names: ["PostgreSQL"], graceMs: 1_500 },
];

/**
 * Gateway and worker take some hundred MB less so: V8 lets each thread's young objects grow to 50 MB, and glibc keeps a heap per
 * thread. No CPU time more was measured for a worker. A gateway makes its frames of young objects: where V8 must favour size and has 2 MB
 * for them, they come twice as late; and old ones pile up to twice as much where it may let them (docs/performance.md).
 */
export const LEAN = {
  flags: {
    gateway: ["--max-semi-space-size=4", "--heap-growing-percent=30"],
    worker: ["--max-semi-space-size=2", "--optimize-for-size"],
  },
  env: { MALLOC_ARENA_MAX: "2", MALLOC_TRIM_THRESHOLD_: "65536" },
};

/** `folder`: absolute. `tell` is given one line for each thing that takes long or is unusual. */
export function createStack(options: { folder: string; tell: (line: string) => void }): StackControl {
  const { folder, tell } = options;
  const children = createChildren(folder);
  const log = (name: string): string => join(folder, "logs", `${name}.log`);
  let lock: RunLock | null = null;
  let stopping = false;
  let signingSecret = "";
  let fail: (reason: string) => void;
  const failed = new Promise<string>((resolve) => (fail = resolve));

  async function failWith(child: Child, how: string): Promise<void> {
    if (!stopping)
      fail(`${child.name} ended (${how}). The end of ${child.log}:\n${await lastLines(child.log, child.logFrom)}`);
  }

  /** Starts one of our own processes, and again when it dies while `wanted`; within 10 s that is too soon to try again. */
  async function keepRunning(
    name: keyof typeof LEAN.flags,
    env: NodeJS.ProcessEnv,
    file: StackFile,
    wanted = (): boolean => true,
  ): Promise<Child> {
    const program = fileURLToPath(new URL(`../${name}/main.ts`, import.meta.url));
    const startedAt = Date.now();
    const child = await children.start({
      ...{
        name,
        command: process.execPath,
        args: [...LEAN.flags[name], program],
        log: log(name),
        stopSignal: "SIGTERM",
      },
      // What it strips of types is kept for the next start: half a second, and 40 MB of a worker with threads.
      env: { NODE_COMPILE_CACHE: join(folder, "compile-cache"), ...LEAN.env, ...env },
    });
    file.pids[name] = child.pid;
    void child.exited.then(async (how) => {
      if (stopping || !wanted()) return;
      if (Date.now() - startedAt < 10_000) return failWith(child, how);
      tell(`The ${name} ended (${how}); starting it again.`);
      await keepRunning(name, env, file);
      await writeStackFile(folder, file);
    });
    return child;
  }

  /** The logs of one run before this one are kept, as `<name>.log.1`; they would grow without end. */
  async function keepLastLogs(): Promise<void> {
    const names = await readdir(join(folder, "logs"));
    for (const name of names.filter((each) => each.endsWith(".log"))) {
      await rename(join(folder, "logs", name), join(folder, "logs", `${name}.1`));
    }
  }

  /**
   * A free port can be taken by another stack before our gateway listens on it: then ours ends, and gets another one. Whether it
   * is ours that answers is told by the key, which only our database knows. The worker, whose links lead to the gateway, starts beside it
   * all the same, since it takes as long; with the next port it is started anew.
   */
  async function startGatewayAndWorker(file: StackFile): Promise<void> {
    await onFreePorts(async (attempt) => {
      const port = await getPort({ host: "127.0.0.1", ...(attempt === 1 ? { port: 8080 } : {}) });
      file.gateway = `http://127.0.0.1:${port}`;
      const env = environmentOf(file, port, signingSecret);
      let [isReady, isGivenUp] = [false, false];
      const [gateway, worker] = await Promise.all([
        keepRunning("gateway", env, file, () => isReady),
        keepRunning("worker", env, file, () => !isGivenUp),
      ]);
      try {
        await untilReady(gateway, 60_000, () => answers(file));
        isReady = true;
      } catch (error) {
        isGivenUp = true;
        if (!stopping) await Promise.all([gateway.stop(0), worker.stop(0)]);
        throw error;
      }
    });
  }

  return {
    async start() {
      await mkdir(join(folder, "logs"), { recursive: true });
      lock = await takeRunLock(folder);
      await removeStackFile(folder);
      const leftovers = await endLeftovers(folder);
      await keepLastLogs();
      if (leftovers.length) tell(`Ended what an earlier run left behind: ${leftovers.join(", ")}.`);
      const [postgres, temporal] = await Promise.all([
        startPostgres({
          dataDir: join(folder, "postgres"),
          log: log("postgres"),
          port: 5433,
          durable: true,
          start: children.start,
        }),
        startTemporal({
          file: join(folder, "temporal", "temporal.sqlite"),
          log: log("temporal"),
          port: 7233,
          uiPort: 8233,
          start: children.start,
        }),
      ]);
      for (const { child } of [postgres, temporal]) void child.exited.then((how) => failWith(child, how));
      await ensureDatabase(postgres.url(), "platen");
      const applied = await migrate(postgres.url("platen"));
      if (applied.length) tell(`Applied migrations: ${applied.join(", ")}.`);
      const file: StackFile = {
        gateway: "",
        web_ui: temporal.webUi!,
        temporal: temporal.address,
        namespace: temporal.namespace,
        database: postgres.url("platen"),
        store: join(folder, "store"),
        api_keys: await ensureApiKeys({ folder, database: postgres.url("platen") }),
        pids: { stack: process.pid, postgres: postgres.child.pid, temporal: temporal.child.pid },
      };
      signingSecret = await ensureSigningSecret(folder);
      await startGatewayAndWorker(file);
      await writeStackFile(folder, file);
      return { file, failed };
    },
    async stop() {
      stopping = true;
      if (!lock) return; // the folder, and the file in it, are another stack's
      await removeStackFile(folder);
      await children.stop(STOP);
      await lock.release();
    },
    kill() {
      stopping = true;
      children.kill();
    },
  };
}

/** Settings of gateway and worker. */
function environmentOf(file: StackFile, port: number, signingSecret: string): NodeJS.ProcessEnv {
  return configEnvironment({
    PLATEN_SIGNING_SECRETS: signingSecret,
    PLATEN_DATABASE_URL: file.database,
    PLATEN_TEMPORAL_ADDRESS: file.temporal,
    PLATEN_TEMPORAL_NAMESPACE: file.namespace,
    PLATEN_TEMPORAL_UI_URL: file.web_ui,
    PLATEN_STORE_FOLDER: file.store,
    PLATEN_GATEWAY_HOST: "127.0.0.1",
    PLATEN_GATEWAY_PORT: String(port),
    PLATEN_PUBLIC_URL: file.gateway,
  });
}

/** Is our gateway there, and ready? */
async function answers(file: StackFile): Promise<boolean> {
  const ask = async (path: string): Promise<boolean> => {
    const headers = { authorization: `Bearer ${file.api_keys.viewer}` };
    const answer = await fetch(`${file.gateway}${path}`, { headers, signal: AbortSignal.timeout(2_000) });
    await answer.body?.cancel();
    return answer.ok;
  };
  return (async () => (await ask("/readyz")) && (await ask("/projects")))().catch(() => false);
}
