/** A gateway as a process of its own, so that killing it is real. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { configEnvironment } from "../../src/config.ts";
import type { Publishing } from "./publishing.ts";

export interface GatewayProcess {
  url: string;
  port: number;
  /** Everything it has logged: one JSON document a line. */
  log(): string;
  /** Resolves with its exit code, null after a signal. */
  ended: Promise<number | null>;
  /** Sends it the signal; resolves as `ended` does. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null>;
}

export interface GatewayProcessOptions {
  /** Any that is free by default. */
  port?: number;
  /** Variables of the environment, over those of the room. */
  settings?: Record<string, string>;
  /** Kills it, also while it starts. */
  signal?: AbortSignal;
}

const MAIN = fileURLToPath(new URL("../../src/gateway/main.ts", import.meta.url));

/** Starts `src/gateway/main.ts` and resolves when it listens. Error: its log, when it ends before that. */
export async function startGatewayProcess(
  room: Pick<Publishing, "config">,
  { port = 0, settings, signal }: GatewayProcessOptions = {},
): Promise<GatewayProcess> {
  const configured = Object.entries(room.config).map(([name, value]) => [name, String(value)]);
  const child = spawn(process.execPath, [MAIN], {
    env: configEnvironment({
      ...Object.fromEntries(configured),
      PLATEN_LOG_LEVEL: "info",
      PLATEN_GATEWAY_PORT: String(port),
      ...settings,
    }),
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  const kill = (): boolean => child.kill("SIGKILL");
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  process.once("exit", kill);
  signal?.addEventListener("abort", kill);
  if (signal?.aborted) kill();
  void ended.then(() => {
    process.off("exit", kill);
    signal?.removeEventListener("abort", kill);
  });
  const listening = new Promise<string>((resolve) => {
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      log += text;
      const url = /"url":"(http:[^"]+)"/.exec(log)?.[1];
      if (url) resolve(url);
    });
  });
  const url = await Promise.race([listening, ended.then(() => null)]);
  if (url === null) throw new Error(`the gateway ended:\n${log}`);
  return {
    url,
    port: Number(new URL(url).port),
    log: () => log,
    ended,
    end(by) {
      child.kill(by);
      return ended;
    },
  };
}
