/** better-sse on Koa as a side. */
import type { BenchRoom } from "../support/bench.ts";
import { startProcess } from "../support/child-process.ts";
import { changeData } from "./bare-changes.ts";
import { WATCHERS, type FanOutSide } from "./fan-out.ts";
import { messageOf } from "./our-side.ts";
import { postChanges } from "./post-changes.ts";
import { startWatchers } from "./watchers.ts";

/** `job`: the id in its data. */
export async function startBetterSse(room: BenchRoom, job: string): Promise<FanOutSide> {
  // As people start it. The gateway's flags make memory small and cost time.
  const { pid, ask } = startProcess(room, { name: "better-sse", program: "sse/better-sse-server.ts" });
  const port = await ask<number>("listen");
  const posts = postChanges(`http://127.0.0.1:${port}/`);
  room.onEnd(async () => posts.close());
  let number = 0;
  const next = (): string => JSON.stringify(changeData(job, messageOf((number += 1))));
  return {
    // It begins with a `retry` of its own.
    ...{ name: "better-sse", pid, greeting: 1, watchers: startWatchers(room, "better-sse", WATCHERS) },
    target: { port, path: "/" },
    change: (count) => posts.send(Array.from({ length: count }, next)),
  };
}
