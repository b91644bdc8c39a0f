/** The plans that PostgreSQL makes for the product's own statements, as its `auto_explain` tells them. */
import type { Pool, PoolClient } from "pg";
import { createDatabase, query, type Database } from "../../src/db.ts";
import type { BenchRoom } from "../support/bench.ts";

export interface Planned {
  database: Database;
  /** Runs `work` and answers the plans of its statements with their milliseconds, in order. */
  plansOf(work: () => Promise<unknown>): Promise<string[][]>;
}

const SETTINGS = {
  "auto_explain.log_min_duration": "0",
  "auto_explain.log_analyze": "on",
  "auto_explain.log_buffers": "on",
  "auto_explain.log_timing": "off",
  client_min_messages: "log",
};

export async function openPlanned(room: BenchRoom, url: string): Promise<Planned> {
  const database = await createDatabase({ url, pool: 1 });
  room.onEnd(() => database.close());
  const db = database.em.fork();
  const plans: string[][] = [];
  const heard = new WeakSet<PoolClient>();
  const pool = (await db.getDriver().getConnection().getNativeClient()) as Pool;
  pool.on("acquire", (client: PoolClient) => {
    if (heard.has(client)) return;
    heard.add(client);
    client.on("notice", ({ message = "" }) => {
      const [duration = "", , plan = ""] = /^(duration: [\d.]+ ms)[^]*?\n(\S.*\(cost=[^]*)$/m.exec(message) ?? [];
      if (plan) plans.push([/[\d.]+ ms/.exec(duration)?.[0] ?? "", ...plan.trimEnd().split("\n")]);
    });
  });
  return {
    database,
    async plansOf(work) {
      // Anew each time: the pool closes a connection that is idle for long.
      await query(db, `load 'auto_explain'`);
      for (const [name, value] of Object.entries(SETTINGS))
        await query(db, `select set_config($1, $2, false)`, [name, value]);
      plans.length = 0;
      await work();
      return [...plans];
    },
  };
}
