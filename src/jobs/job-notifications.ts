/**
 * One LISTEN connection per process. It comes back by itself, and says so, because what happened meanwhile was not heard.
 *
 *   away ──connected, LISTEN──► testing ──heard itself──► listening
 *     ▲                            └──nothing heard──► deaf ──heard itself──► listening
 *     └───────────connection lost, from any of them
 *
 * Heard itself: a NOTIFY that another connection sends arrives here. Sent from this very connection it would also arrive through a
 * pooler in transaction mode, which hands sessions round and swallows all others without an error.
 */
import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { JOBS_CHANNEL, PROGRESS_CHANNEL } from "../../contract/messages.ts";
import { reasonOf } from "../errors.ts";
import type { Log } from "../log.ts";

export type Hearing = "away" | "testing" | "listening" | "deaf";

export interface JobNotifications {
  /** Whether changes are heard; `reason` when they are not. */
  hearing(): { state: Hearing; reason?: string };
  /** `changed`: ids of jobs, or null when any may have changed (too many to name, or the connection is new). Answers how to stop. */
  onChange(changed: Changed): () => void;
  close(): Promise<void>;
}

export type Changed = (ids: string[] | null, what: "event" | "progress") => void;

export interface ListenOptions {
  /** Straight to PostgreSQL where there is a pooler in transaction mode. */
  url: string;
  /** Sends a NOTIFY with this payload by another connection. */
  notify(payload: string): Promise<void>;
  log: Log;
  /** ms until a self-test that was not heard counts as failed; 2,000 by default. */
  deafMs?: number;
  /** ms between two self-tests; 30,000 by default. */
  testMs?: number;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
const SELF_TEST = "self-test";
const DEAF =
  "PostgreSQL's notifications do not arrive (a pooler in transaction mode?): changes are polled for, half a second late; " +
  "set PLATEN_LISTEN_URL to an address that leads straight to PostgreSQL";

export function listenToJobs(options: ListenOptions): JobNotifications {
  const { log } = options;
  const listeners = new Set<Changed>();
  let client: Client | undefined;
  let pause = FIRST_PAUSE_MS;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let state: Hearing = "away";
  let reason: string | undefined = "not connected yet";

  const tell: Changed = (ids, what) => listeners.forEach((changed) => changed(ids, what));

  async function connect(): Promise<void> {
    const mine = new Client({
      connectionString: options.url,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      application_name: "platen-listen",
    });
    client = mine;
    let expected = "";
    let over = false;
    const lost = (why: string): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      void mine.end().catch(() => undefined);
      if (closed) return;
      if (state !== "away")
        log.warn({ reason: why }, "not listening to PostgreSQL; changes are polled for until it is back");
      [state, reason] = ["away", why];
      timer = setTimeout(() => void connect(), pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    };
    const heard = (payload: string, channel: string): void => {
      const what = channel === PROGRESS_CHANNEL ? "progress" : "event";
      if (!payload.startsWith(SELF_TEST)) return tell(payload === "*" ? null : payload.split(","), what);
      if (payload !== expected || over) return;
      expected = "";
      if (state === "deaf") log.info("PostgreSQL's notifications arrive again");
      [state, reason] = ["listening", undefined];
      again(options.testMs ?? 30_000);
    };
    const again = (ms: number): void => {
      clearTimeout(timer);
      if (!over && !closed) timer = setTimeout(() => void test(), ms);
    };
    async function test(): Promise<void> {
      expected = `${SELF_TEST} ${randomUUID()}`;
      clearTimeout(timer);
      try {
        await options.notify(expected);
      } catch (error) {
        // It is this test that fails, not the listening: PostgreSQL away for the others, or no place in the pool.
        if (over || closed) return;
        reason = reasonOf(error);
        return again(pause);
      }
      if (expected === "" || over || closed) return;
      timer = setTimeout(() => {
        // It has heard before: this connection is dead, whatever it says. On a new one it is seen whether none is heard.
        if (state === "listening") return lost("its own notification did not arrive");
        if (state !== "deaf") log.error(DEAF);
        [state, reason] = ["deaf", DEAF];
        again(options.testMs ?? 30_000);
      }, options.deafMs ?? 2_000);
    }
    mine.on("error", (error) => lost(reasonOf(error)));
    mine.on("end", () => lost("the connection ended"));
    mine.on("notification", ({ payload = "", channel }) => heard(payload, channel));
    try {
      await mine.connect();
      await mine.query(`listen ${JOBS_CHANNEL}; listen ${PROGRESS_CHANNEL}`);
      if (closed) return;
      pause = FIRST_PAUSE_MS;
      [state, reason] = ["testing", "the self-test is under way"];
      tell(null, "event");
      await test();
    } catch (error) {
      lost(reasonOf(error));
    }
  }
  void connect();

  return {
    hearing: () => ({ state, ...(reason === undefined ? {} : { reason }) }),
    onChange(changed) {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      listeners.clear();
      await client?.end().catch(() => undefined);
    },
  };
}
