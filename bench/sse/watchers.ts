/** Watchers in a process of their own, as a bench speaks to them. */
import { readFileSync } from "node:fs";
import type { BenchRoom } from "../support/bench.ts";
import { startProcess } from "../support/child-process.ts";
import type { Served } from "./count-frames.ts";
import type { Arrivals } from "./follow-ledger.ts";
import type { Target } from "./open-watchers.ts";

export interface WatcherProcess {
  pid: number;
  /** Resolves when all follow and nothing more comes. `ready`: frames that each is greeted with; 0 for none. */
  count(target: Target, ready: number): Promise<void>;
  /** Resolves when all follow. `room`: ledger events at most that will come, for all together. */
  follow(target: Target, room: number): Promise<void>;
  /** After `count`: so many frames are going to come to each, of what happens after this has resolved. */
  expect(frames: number): Promise<void>;
  /** Errors: not all of them came in time, or more. */
  served(limitMs: number): Promise<Served>;
  /** After `follow`: what has arrived once there are so many, or nothing has come for so long. */
  arrivals(events: number, patienceMs: number): Promise<Arrivals>;
  /** All of them hang up. */
  leave(): Promise<void>;
}

/** Young objects of the client may take room: its garbage collection must not be what is measured. */
const FLAGS = ["--max-semi-space-size=64"];

/** `most`: watchers that it will have. */
export function startWatchers(room: BenchRoom, name: string, most: number): WatcherProcess {
  needFiles(most + 200);
  const { pid, ask } = startProcess(room, { name: `watchers of ${name}`, program: "sse/load-client.ts", flags: FLAGS });
  return {
    pid,
    count: (target, ready) => ask("count", { ...target, ready }),
    follow: (target, most) => ask("follow", { ...target, room: most }),
    expect: (frames) => ask("expect", frames),
    served: (limitMs) => ask("served", limitMs),
    arrivals: (events, patienceMs) => ask("arrivals", { events, patienceMs }),
    leave: () => ask("leave"),
  };
}

/** Sockets are files. Node has raised its own limit as far as it may by now, and what it starts inherits that. */
function needFiles(count: number): void {
  const [, limit] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
  if (limit !== undefined && Number(limit) < count)
    throw new Error(`This bench opens ${count} sockets in a process, and ${limit} are allowed: raise it (ulimit -Hn).`);
}
