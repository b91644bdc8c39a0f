/**
 * Process entry of a worker whose jobs may be doomed: at the N-th point of an activity's work it kills itself, as `kill -9` does. A
 * point lies before and behind each statement to PostgreSQL and each call to a store. Each doom is met once.
 *
 *   mortal-worker.ts FOLDER      reads FOLDER/<job>.json {activity, point}, writes FOLDER/<job>.<activity> (how many), and FOLDER/<job>.died
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { argv, kill, pid } from "node:process";
import { asyncLocalStorage } from "@temporalio/activity";
import type { WorkflowBundleWithSourceMap } from "@temporalio/worker";
import type pg from "pg";
import { readConfig } from "../../src/config.ts";
import { createLog } from "../../src/log.ts";
import { createStores } from "../../src/storage/stores.ts";
import { startWorker } from "../../src/worker/create-worker.ts";

const folder = argv[2] ?? "";
const passed = new Map<string, number>();

/** Called in an activity's own context, which the runtime carries through all its awaits; elsewhere it does nothing. */
function point(): void {
  const info = asyncLocalStorage.getStore()?.info;
  const job = info?.workflowExecution?.workflowId.slice("publish-".length);
  const doom = job && join(folder, `${job}.json`);
  if (!info || !doom || !existsSync(doom)) return;
  const { activity, point: last } = JSON.parse(readFileSync(doom, "utf8")) as { activity: string; point: number };
  const attempt = `${job}/${info.activityType}/${info.attempt}`;
  const number = passed.get(attempt) ?? 0;
  passed.set(attempt, number + 1);
  writeFileSync(join(folder, `${job}.${info.activityType}`), String(number + 1));
  const died = join(folder, `${job}.died`);
  if (info.activityType !== activity || number !== last || existsSync(died)) return;
  writeFileSync(died, "");
  kill(pid, "SIGKILL");
}

function around(call: (...args: unknown[]) => unknown, self: unknown, args: unknown[]): unknown {
  point();
  const answer = call.apply(self, args);
  if (!(answer instanceof Promise)) return answer;
  return answer.finally(point);
}

/** The same object, with a point before and behind each call of its functions, and of those of its members. */
function watched<T extends object>(target: T): T {
  return new Proxy(target, {
    get(it, name) {
      const member: unknown = Reflect.get(it, name);
      if (typeof member === "function")
        return (...args: unknown[]) => around(member as (...args: unknown[]) => unknown, it, args);
      return typeof member === "object" && member !== null ? watched(member) : member;
    },
  });
}

/** The ORM's own copy of the driver. */
const { Client } = createRequire(import.meta.resolve("@mikro-orm/postgresql"))("pg") as typeof pg;
const query = Client.prototype.query as (...args: unknown[]) => unknown;
Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
  return around(query, this, args);
} as typeof pg.Client.prototype.query;

const config = readConfig();
const stores = watched(createStores({ folder: config.PLATEN_STORE_FOLDER }));
const log = createLog("mortal", config.PLATEN_LOG_LEVEL);
// Nothing is kept from one task of a workflow to the next: the server would wait 10 s for a dead worker that has it in memory.
const bundle = JSON.parse(readFileSync(join(folder, "bundle.json"), "utf8")) as WorkflowBundleWithSourceMap;
const running = await startWorker({ config, log, stores, bundle, maxCachedWorkflows: 0 });
await running.done;
