/** Watches one job on three ways at once, from before something is pressed: its row, an open stream, and the command line. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { configEnvironment } from "../../../src/config.ts";
import { queryOne, type Database } from "../../../src/db.ts";
import { NOTHING_TOLD, type Moment, type Told } from "./told.ts";

export const WAYS = ["row", "stream", "cli"] as const;
export type Way = (typeof WAYS)[number];

export interface WatchedWays {
  moments: Record<Way, Moment[]>;
  /** Names of the events of the stream, in order. */
  events: string[];
  /** Resolves when nothing watches any more. */
  stop(): Promise<void>;
}

const LOOK_MS = 25;
/** As an EventSource waits that is told to come back. */
const AGAIN_MS = 200;
const CLI = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url));

/** Resolves when all three have said something. */
export async function watchWays(
  job: { id: string; project: string },
  room: { database: Database; url: string; key: string },
): Promise<WatchedWays> {
  const moments: Record<Way, Moment[]> = { row: [], stream: [], cli: [] };
  const events: string[] = [];
  const stop = new AbortController();
  const first = {
    row: Promise.withResolvers<void>(),
    stream: Promise.withResolvers<void>(),
    cli: Promise.withResolvers<void>(),
  };
  function note(way: Way, said: Partial<Told> & { logs?: unknown }): void {
    const before = moments[way].at(-1)?.told ?? NOTHING_TOLD;
    const told = merged(before, said as Record<string, unknown>);
    if (JSON.stringify(told) !== JSON.stringify(before) || moments[way].length === 0)
      moments[way].push({ at: Date.now(), told });
    first[way].resolve();
  }
  const watching = Promise.all([
    watchRow(job.id, room.database, stop.signal, (said) => note("row", said)),
    watchStream(job.id, room, stop.signal, (event, said) => {
      events.push(event);
      note("stream", said);
    }),
    watchCli(job, room, stop.signal, (said) => note("cli", said)),
  ]);
  await Promise.race([Promise.all(Object.values(first).map(({ promise }) => promise)), watching]);
  return {
    ...{ moments, events },
    async stop() {
      stop.abort();
      await watching;
    },
  };
}

type Say = (said: Partial<Told>) => void;

/** A frame says nothing of what is not there: no notice, no attention. Log entries add up. */
function merged(before: Told, said: Record<string, unknown>): Told {
  const known = Object.keys(NOTHING_TOLD).filter((name) => name in said && name !== "logs");
  const entries = (said["logs"] as { message?: string }[] | undefined) ?? [];
  return {
    ...before,
    ...{ attention: null, notice: null },
    ...Object.fromEntries(known.map((name) => [name, said[name]])),
    logs: [...before.logs, ...entries.map(({ message = "" }) => message)],
  } as Told;
}

async function watchRow(id: string, database: Database, signal: AbortSignal, say: Say): Promise<void> {
  const sql = `select status, generation, message, steps, error_code, error, attention from jobs where id = $1`;
  while (!signal.aborted) {
    const row = await queryOne<Partial<Told>>(database.em.fork(), sql, [id]);
    if (row) say(row);
    await delay(LOOK_MS);
  }
}

/** As a watcher's EventSource, and it asks again, too, where that is told that there is nothing more: somebody may open the job again. */
async function watchStream(
  id: string,
  { url, key }: { url: string; key: string },
  signal: AbortSignal,
  say: (event: string, said: Partial<Told>) => void,
): Promise<void> {
  let cursor: string | undefined;
  while (!signal.aborted) {
    const from: Record<string, string> = cursor === undefined ? {} : { "Last-Event-ID": cursor };
    try {
      const answer = await fetch(`${url}/jobs/${id}/stream`, {
        headers: { Authorization: `Bearer ${key}`, ...from },
        signal,
      });
      const parser = createParser({
        onEvent({ event = "message", id: seq, data }: EventSourceMessage) {
          if (seq !== undefined) cursor = seq;
          if (event === "job_update" || event.startsWith("job-")) say(event, JSON.parse(data) as Partial<Told>);
        },
      });
      const decoder = new TextDecoder();
      for await (const bytes of answer.body ?? []) parser.feed(decoder.decode(bytes as Uint8Array, { stream: true }));
    } catch (error) {
      if (!signal.aborted && !(error instanceof TypeError)) throw error;
    }
    await delay(AGAIN_MS);
  }
}

/** `platen watch` until it ends, as it does with the job; from then on `platen jobs`, again and again. */
async function watchCli(
  { id, project }: { id: string; project: string },
  { url, key }: { url: string; key: string },
  signal: AbortSignal,
  say: Say,
): Promise<void> {
  const run = async (args: string[], each: (line: Record<string, unknown>) => void): Promise<void> => {
    const child = spawn(process.execPath, [CLI, ...args, "--json"], {
      env: configEnvironment({ PLATEN_SERVER: url, PLATEN_API_KEY: key }),
      stdio: ["ignore", "pipe", "ignore"],
    });
    const ended = new Promise((resolve) => child.once("close", resolve));
    const kill = (): boolean => child.kill("SIGKILL");
    signal.addEventListener("abort", kill);
    if (signal.aborted) kill();
    for await (const line of createInterface(child.stdout)) each(JSON.parse(line) as Record<string, unknown>);
    await ended;
    signal.removeEventListener("abort", kill);
  };
  await run(["watch", id], ({ data }) => data && say(data as Partial<Told>));
  while (!signal.aborted) {
    await run(["jobs", "--project", project], (job) => job["id"] === id && say(job as Partial<Told>));
    await delay(AGAIN_MS);
  }
}
