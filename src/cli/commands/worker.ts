import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { InvalidArgumentError, type Command } from "commander";
import { QUEUES, type Queue } from "../../../contract/job-type-definition.ts";
import { configEnvironment } from "../../config.ts";
import { findStack } from "../find-server.ts";
import type { CliContext, RunCommand } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";

interface WorkerCommandOptions {
  queues?: Queue[];
  concurrency?: string;
}

const MAIN = fileURLToPath(new URL("../../worker/main.ts", import.meta.url));

/** `platen worker` */
export function addWorker(program: Command, run: RunCommand): void {
  program
    .command("worker")
    .description("run a worker: by the PLATEN_ variables, or beside the stack that runs here")
    .option("--queues <names>", `which task queues it serves, of ${QUEUES.join(", ")}; all by default`, parseQueues)
    .option("--concurrency <number>", "activities at a time of each queue: 20; of some: render=2,documents=4")
    .action((options: WorkerCommandOptions, command: Command) => run(command, (context) => work(context, options)));
}

function parseQueues(text: string): Queue[] {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.filter((name) => !(QUEUES as readonly string[]).includes(name));
  if (unknown.length > 0)
    throw new InvalidArgumentError(`${unknown.join(", ")} is no task queue; there are ${QUEUES.join(", ")}.`);
  return names as Queue[];
}

/** In a process of its own, which checks the settings itself. Ctrl-C and SIGTERM drain it; answers how it ended. */
async function work({ signal }: CliContext, { queues, concurrency }: WorkerCommandOptions): Promise<ExitCode> {
  const child = spawn(process.execPath, ["--max-semi-space-size=2", "--optimize-for-size", MAIN], {
    stdio: "inherit",
    env: {
      ...stackSettings(),
      ...configEnvironment({
        ...(queues ? { PLATEN_WORKER_QUEUES: queues.join(",") } : {}),
        ...(concurrency === undefined ? {} : { PLATEN_WORKER_CONCURRENCY: concurrency }),
      }),
    },
  });
  const stop = (): void => void child.kill("SIGTERM");
  signal.addEventListener("abort", stop, { once: true });
  const [code] = (await once(child, "exit")) as [number | null];
  return code === 0 ? EXIT.ok : EXIT.refused;
}

/** Where the stack of this folder has its servers; what the environment says wins. */
function stackSettings(): NodeJS.ProcessEnv {
  const stack = findStack(process.cwd());
  if (!stack?.database || !stack.store) return {};
  const { database, store, temporal, namespace, gateway } = stack;
  return {
    PLATEN_DATABASE_URL: database,
    PLATEN_STORE_FOLDER: store,
    PLATEN_PUBLIC_URL: gateway,
    ...(temporal ? { PLATEN_TEMPORAL_ADDRESS: temporal } : {}),
    ...(namespace ? { PLATEN_TEMPORAL_NAMESPACE: namespace } : {}),
  };
}
