/** A gateway that can be stopped and started at its address, jobs whose worker the test plays, and clients that watch them. */
import type { JobFinal, JobUpdate, WatchEvent } from "../../src/client/client.ts";
import { transaction } from "../../src/db.ts";
import { lockJob } from "../../src/jobs/job-store.ts";
import { writeEnding, type Grip } from "../../src/jobs/protocol/attempt.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { logEntry } from "../../src/jobs/protocol/ledger-writes.ts";
import { firstAttempt, startGatewayRoom, type GatewayRoom } from "../gateway/gateway-room.ts";
import { createDraft, createPublishing, queueJob } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";

/** A job of which the test is the worker. */
export interface PlayedJob {
  id: string;
  /** Enters the step: three ledger events the first time, `queued`, `running` and the step's. */
  enter(step: string): Promise<void>;
  log(message: string): Promise<void>;
  end(status: "completed" | "failed" | "cancelled"): Promise<void>;
}

export interface ClientRoom {
  url: string;
  gateway(): GatewayRoom;
  key: string;
  job(): Promise<PlayedJob>;
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

export async function createClientRoom(settings: Record<string, string> = {}): Promise<ClientRoom> {
  const room = await createPublishing({ executions: scriptedExecutions() });
  let gateway = await startGatewayRoom({ room, settings });
  const { url, keys } = gateway;
  return {
    url,
    gateway: () => gateway,
    key: keys.admin,
    async job() {
      const id = await queueJob(room, await createDraft(room));
      let grip: Grip | undefined;
      return {
        id,
        async enter(step) {
          const outcome = await enterStep(room.deps, firstAttempt(id), { step, message: `Begins ${step}` });
          if (outcome.kind !== "entered") throw new Error(`not entered: ${outcome.kind}`);
          grip = outcome.grip;
        },
        log: (message) => logEntry(room.deps, grip!, { level: "info", message }),
        async end(status) {
          await transaction(room.database, async (tx) => {
            const row = await lockJob(tx, id);
            const code = status === "failed" ? { code: "internal" as const } : {};
            await writeEnding(tx, row!, { status, message: `It is ${status}`, ...code });
          });
          room.deps.notifier.touch(id);
        },
      };
    },
    stop: () => gateway.close(),
    async start() {
      gateway = await startGatewayRoom({ room, settings: { ...settings, PLATEN_GATEWAY_PORT: new URL(url).port } });
    },
    async close() {
      await gateway.close();
      await room.close();
    },
  };
}

/** A watch under way, and everything that it has told. */
export interface Watching {
  events: WatchEvent[];
  updates(): JobUpdate[];
  finals(): JobFinal[];
  /** Messages of all log entries, in the order of telling. */
  logs(): string[];
  /** Ids of all events that have one. */
  ids(): number[];
  /** The state of every notice about the connection. */
  states(): string[];
  /** Resolves with the first event that `found` accepts, also one that was told before. Rejects when the watch ends without one. */
  sees(what: string, found: (event: WatchEvent) => boolean): Promise<WatchEvent>;
  /** Resolves when the watch has ended by itself. */
  ended: Promise<void>;
}

export function gather(events: AsyncIterable<WatchEvent>): Watching {
  const seen: WatchEvent[] = [];
  const waiting = new Set<() => void>();
  let over = false;
  const tell = (): void => waiting.forEach((check) => check());
  const ended = (async () => {
    try {
      for await (const event of events) {
        seen.push(event);
        tell();
      }
    } finally {
      over = true;
      tell();
    }
  })();
  // Who waits for it sees its error all the same.
  ended.catch(() => undefined);
  const updates = (): JobUpdate[] => seen.filter((event) => event.type === "update");
  return {
    events: seen,
    updates,
    finals: () => seen.filter((event) => event.type === "final"),
    logs: () => updates().flatMap(({ logs }) => logs.map(({ message }) => message)),
    ids: () => seen.flatMap((event) => (event.type !== "connection" && event.id ? [Number(event.id)] : [])),
    states: () => seen.flatMap((event) => (event.type === "connection" ? [event.state] : [])),
    sees: (what, found) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const event = seen.find(found);
          if (!event && !over) return;
          waiting.delete(check);
          if (event) resolve(event);
          else reject(new Error(`ended without ${what}; told: ${JSON.stringify(seen)}`));
        };
        waiting.add(check);
        check();
      }),
    ended,
  };
}

export const logged =
  (message: string) =>
  (event: WatchEvent): boolean =>
    event.type === "update" && event.logs.some((entry) => entry.message === message);
