/** One LISTEN connection per process. It comes back by itself, and says so, because what happened meanwhile was not heard. */
import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { JOBS_CHANNEL } from "../../contract/messages.ts";
import { reasonOf } from "../errors.ts";
import type { Log } from "../log.ts";

export interface JobNotifications {
  close(): Promise<void>;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
/** A notification to oneself takes a millisecond; a pooler in transaction mode swallows it without an error. */
const SELF_TEST_MS = 5_000;

/** `changed`: ids of jobs, or null when any may have changed (too many to name, or the connection is new). */
export function listenToJobs(options: {
  url: string;
  log: Log;
  changed: (ids: string[] | null) => void;
}): JobNotifications {
  let client: Client | undefined;
  let pause = FIRST_PAUSE_MS;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function connect(): Promise<void> {
    const mine = new Client({ connectionString: options.url, keepAlive: true, application_name: "platen-listen" });
    client = mine;
    const selfTest = `self-test ${randomUUID()}`;
    let deaf: NodeJS.Timeout | undefined;
    let over = false;
    const again = (reason: string): void => {
      if (over) return;
      over = true;
      clearTimeout(deaf);
      void mine.end().catch(() => undefined);
      if (closed) return;
      options.log.warn({ reason }, "not listening to PostgreSQL; changes are found by the sweep until it is back");
      timer = setTimeout(() => void connect(), pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    };
    mine.on("error", (error) => again(reasonOf(error)));
    mine.on("end", () => again("the connection ended"));
    mine.on("notification", ({ payload = "" }) => {
      if (payload === selfTest) clearTimeout(deaf);
      else if (!payload.startsWith("self-test")) options.changed(payload === "*" ? null : payload.split(","));
    });
    try {
      await mine.connect();
      await mine.query(`listen ${JOBS_CHANNEL}`);
      deaf = setTimeout(() => {
        options.log.error(
          "PostgreSQL's notifications do not arrive (a pooler in transaction mode?): streams lag by up to 2 s",
        );
      }, SELF_TEST_MS);
      await mine.query("select pg_notify($1, $2)", [JOBS_CHANNEL, selfTest]);
      pause = FIRST_PAUSE_MS;
      options.changed(null);
    } catch (error) {
      again(reasonOf(error));
    }
  }
  void connect();

  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}
