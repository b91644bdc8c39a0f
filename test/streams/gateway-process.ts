/** A gateway as a process that a test may end as it likes. */
import { fileURLToPath } from "node:url";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { configEnvironment } from "../../src/config.ts";
import type { Publishing } from "../support/publishing.ts";

export interface GatewayProcess {
  url: string;
  port: number;
  /** Resolves when it is gone; how it ended: its exit code, or the signal. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<number | NodeJS.Signals>;
}

const MAIN = fileURLToPath(new URL("../../src/gateway/main.ts", import.meta.url));

/** On the room's database, stores and Temporal. `settings` come on top. Resolves when it listens. */
export async function startGatewayProcess(
  room: Publishing,
  settings: Record<string, string> = {},
): Promise<GatewayProcess> {
  const ofRoom = Object.fromEntries(Object.entries(room.config).map(([name, value]) => [name, String(value)]));
  const own = { PLATEN_GATEWAY_PORT: "0", PLATEN_RECONCILE_MS: "0", PLATEN_LOG_LEVEL: "info", ...settings };
  const child = spawn(process.execPath, [MAIN], {
    env: configEnvironment({ ...ofRoom, ...own }),
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  let log = "";
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      log += text;
      const found = /"url":"(http:[^"]+)"/.exec(log)?.[1];
      if (found) resolve(found);
    });
    void exited.then(([code]) => reject(new Error(`the gateway ended with ${code}:\n${log}`)));
  });
  return {
    url,
    port: Number(new URL(url).port),
    async end(signal) {
      child.kill(signal);
      const [code, by] = await exited;
      return code ?? by!;
    },
  };
}
