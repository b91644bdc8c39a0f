/** How much a worker takes of each task queue at a time: temporal-config/queues.json, over it PLATEN_WORKER_CONCURRENCY. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { z } from "zod";
import { QUEUES, type Queue } from "../../contract/job-type-definition.ts";
import type { Config } from "../config.ts";

export interface QueueSettings {
  /** Activities that one worker runs at a time. */
  concurrency: number;
  /** Activities that one worker begins in a second; null for any number. */
  per_second: number | null;
  /** The same of all workers together: Temporal keeps to what the worker that came last has told it. */
  queue_per_second: number | null;
  /** How long running activities may go on after a stop; the next worker resumes them from their heartbeats. */
  grace_seconds: number;
}

const FILE = new URL("../../temporal-config/queues.json", import.meta.url);

const rate = z.number().positive().nullable();
const row = z.strictObject({
  concurrency: z.union([z.int().min(1).max(1_000), z.literal("cores")]),
  per_second: rate,
  queue_per_second: rate,
  grace_seconds: z.number().min(0).max(300),
});
const file = z.strictObject(Object.fromEntries(QUEUES.map((queue) => [queue, row])) as Record<Queue, typeof row>);

/** Errors: the file cannot be read, or says what nobody understands; with its path. */
export function queueSettings(
  { PLATEN_WORKER_CONCURRENCY: asked }: Pick<Config, "PLATEN_WORKER_CONCURRENCY">,
  text: string = readFileSync(FILE, "utf8"),
): Record<Queue, QueueSettings> {
  const parsed = file.safeParse(parse(text));
  if (!parsed.success) throw new Error(`temporal-config/queues.json: ${z.prettifyError(parsed.error)}`);
  const wanted = wantedOf(asked ?? "");
  const entries = QUEUES.map((queue) => {
    const { concurrency, ...rest } = parsed.data[queue];
    const own = concurrency === "cores" ? availableParallelism() : concurrency;
    return [queue, { ...rest, concurrency: wanted.get(queue) ?? wanted.get("") ?? own }] as const;
  });
  return Object.fromEntries(entries) as Record<Queue, QueueSettings>;
}

/** Beyond the longest grace time: activities that are cancelled then have this long to end, and what is waiting is written. */
const AFTER_GRACE_SECONDS = 5;

/** How long a worker that serves `queues` may take to stop. One that cannot reach Temporal would wait for it for ever. */
export function stopSeconds(settings: Record<Queue, QueueSettings>, queues: readonly Queue[]): number {
  return Math.max(...queues.map((queue) => settings[queue].grace_seconds)) + AFTER_GRACE_SECONDS;
}

/** By queue, those of all of them under no name; the last one counts. */
function wantedOf(text: string): Map<string, number> {
  const parts = text.split(",").filter((part) => part !== "");
  return new Map(
    parts.map((part) => {
      const at = part.indexOf("=");
      return [part.slice(0, Math.max(0, at)), Number(part.slice(at + 1))];
    }),
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`temporal-config/queues.json is no JSON: ${String(cause)}`, { cause });
  }
}
