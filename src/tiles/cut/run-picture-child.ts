/**
 * One process per picture, with an end that is certain.
 *
 *   asked ──answer──► read
 *     ├──longer than `seconds`──► killed: picture_timeout
 *     ├──more memory than `memory_mb`──► killed: picture_memory
 *     ├──aborted──► killed: the signal's reason
 *     └──gone without an answer──► picture_unreadable (a decoder that crashed)
 *
 * Whatever the end, it is answered only when the process is gone.
 */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { AppError } from "../../errors.ts";
import { watchMemory } from "../../watch-memory.ts";
import type { PictureAnswer, PictureRequest, PictureSize } from "./picture-messages.ts";
import type { PictureSettings } from "./picture-settings.ts";

const PROGRAM = fileURLToPath(new URL("picture-child.ts", import.meta.url));
/** Of what it says before it crashes. */
const MAX_STDERR = 2_000;

/** `threads`: by default as many as the machine has. `doing`: in words for the failure, e.g. `being measured`. Errors: picture_unreadable, picture_too_large, picture_timeout, picture_memory, store_full. */
export async function runPictureChild(
  request: Omit<PictureRequest, "pixels" | "threads"> & { threads?: number },
  settings: Omit<PictureSettings, "scratch">,
  { doing, signal }: { doing: string; signal?: AbortSignal | undefined },
): Promise<PictureSize> {
  signal?.throwIfAborted();
  const ended = Promise.withResolvers<{ output: string; crash: string }>();
  let killed: Error | undefined;
  // Nothing of our environment, which holds secrets: what reads a hostile file needs none. With many arenas glibc keeps much more than is used.
  const child = spawn(process.execPath, [PROGRAM], { env: { MALLOC_ARENA_MAX: "2" }, stdio: ["pipe", "pipe", "pipe"] });
  const kill = (why: Error): void => {
    killed ??= why;
    child.kill("SIGKILL");
  };
  let output = "";
  let crash = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (crash = (crash + text).slice(-MAX_STDERR)));
  // It may be gone before it has read anything.
  child.stdin.on("error", () => undefined);
  child.once("error", (error) => ended.reject(error));
  child.once("close", () => ended.resolve({ output, crash }));
  child.stdin.write(`${JSON.stringify({ threads: availableParallelism(), ...request, pixels: settings.pixels })}\n`);

  const { seconds, memory_mb } = settings;
  const late = setTimeout(() => kill(new AppError("picture_timeout", { seconds, doing })), seconds * 1_000);
  const unwatch = watchMemory(child.pid ?? 0, memory_mb, (used) =>
    kill(new AppError("picture_memory", { used, limit: memory_mb, doing })),
  );
  const abort = (): void => kill(signal?.reason as Error);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    const end = await ended.promise;
    if (killed) throw killed;
    return answerOf(end);
  } finally {
    clearTimeout(late);
    unwatch();
    signal?.removeEventListener("abort", abort);
  }
}

function answerOf({ output, crash }: { output: string; crash: string }): PictureSize {
  if (output === "") {
    const last = crash.trim().split("\n").at(-1);
    throw new AppError("picture_unreadable", { reason: `what reads it crashed${last ? ` (${last})` : ""}` });
  }
  const answer = JSON.parse(output) as PictureAnswer;
  if ("ok" in answer) return answer.ok;
  const { failed, reason } = answer;
  if (failed === "full") throw new AppError("store_full", { key: "tiles in the scratch folder", reason });
  throw new AppError(failed === "too_large" ? "picture_too_large" : "picture_unreadable", { reason });
}
