/** The bare server as a side, with a database of its own on the same PostgreSQL. */
import pg from "pg";
import { v7 as uuidv7 } from "uuid";
import type { BenchRoom } from "../support/bench.ts";
import { startProcess } from "../support/child-process.ts";
import { besideDatabase } from "../support/database.ts";
import { changeData, createChanges, insertChange, notifyChange } from "./bare-changes.ts";
import { writeThenWake, WATCHERS, type FanOutSide } from "./fan-out.ts";
import { GATEWAY_ENV, GATEWAY_FLAGS } from "./gateway.ts";
import { messageOf } from "./our-side.ts";
import { startWatchers } from "./watchers.ts";

export async function startBareSide(room: BenchRoom, oursUrl: string): Promise<FanOutSide> {
  const { url } = await besideDatabase(room, oursUrl, "bare");
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  room.onEnd(() => pool.end());
  await createChanges(pool);
  const { pid, ask } = startProcess(room, {
    ...{ name: "bare server", program: "sse/bare-server.ts", args: [url], flags: GATEWAY_FLAGS, env: GATEWAY_ENV },
  });
  const port = await ask<number>("listen");
  const job = uuidv7();
  let number = 0;
  let id = 0;
  const write = async (): Promise<void> => {
    number += 1;
    id = await insertChange(pool, changeData(job, messageOf(number)));
  };
  return {
    ...{ name: "bare", pid, greeting: 1, watchers: startWatchers(room, "bare", WATCHERS) },
    target: { port, path: "/" },
    change: (count) => writeThenWake(count, { write, wake: () => notifyChange(pool, id) }),
  };
}
