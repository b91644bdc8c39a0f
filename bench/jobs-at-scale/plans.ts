/** The plans that PostgreSQL makes for the product's own statements, as its `auto_explain` tells them. */
import type { Pool, PoolClient } from "pg";
import { createDatabase, type Database } from "../../src/db.ts";
import type { BenchRoom } from "../support/bench.ts";

export interface Planned {
  database: Database;
  /** Runs `work` and answers the plans of its statements, in order. */
  plansOf(work: () => Promise<unknown>): Promise<string[]>;
}

/** Of plans that are told: it is one line each, and the statement is ours to look up. */
const MAX_PLAN = 4_000;

export async function openPlanned(room: BenchRoom, url: string): Promise<Planned> {
  const options = [
    ...["session_preload_libraries=auto_explain", "auto_explain.log_min_duration=0", "auto_explain.log_analyze=on"],
    ...["auto_explain.log_buffers=on", "auto_explain.log_timing=off", "client_min_messages=log"],
  ];
  const planned = new URL(url);
  planned.searchParams.set("options", options.map((option) => `-c ${option}`).join(" "));
  const database = await createDatabase({ url: planned.href, pool: 1 });
  room.onEnd(() => database.close());
  const plans: string[] = [];
  const pool = (await database.em.fork().getDriver().getConnection().getNativeClient()) as Pool;
  pool.on("connect", (client: PoolClient) => {
    client.on("notice", ({ message }) => {
      const plan = message?.split(/^Query Text:[^]*?\n(?=\S.*\(cost=)/m)[1];
      if (plan) plans.push(plan.trim().slice(0, MAX_PLAN));
    });
  });
  return {
    database,
    async plansOf(work) {
      plans.length = 0;
      await work();
      return [...plans];
    },
  };
}
