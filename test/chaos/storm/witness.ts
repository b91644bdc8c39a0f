/**
 * Looks at everything that may be looked at, all the time, and notes where it says what cannot be: rows against what they said before
 * and against the pointer, streams against the pointer, pointers against themselves.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isFinal, type JobStatus } from "../../../contract/job-state.ts";
import { query } from "../../../src/db.ts";
import { watchJob, type JobWatcher } from "../../support/job-watcher.ts";
import { recordPointer, type PointerRecorder } from "../../support/pointer-recorder.ts";
import type { City } from "./city.ts";
import type { Line } from "./load.ts";

export interface Witness {
  /** What was said and cannot be, a sentence each. */
  lies: string[];
  /** How often all rows were looked at. */
  looks(): number;
  /** Follows the job's stream, too. */
  follow(job: string): void;
  watchers: readonly JobWatcher[];
  recorders: ReadonlyMap<string, PointerRecorder>;
  stop(): Promise<void>;
}

interface Told {
  id: string;
  project: string;
  environment: string;
  status: JobStatus;
  generation: number;
  seq: number;
  epoch: number | null;
  switched: boolean;
}

const LOOK_MS = 250;
/** Of each pointer: there are many of them. */
const POINTER_LOOK_MS = 100;

export const placeOf = (project: string, environment: string): string => `${environment}/${project}`;

export function callWitness(city: City, lines: readonly Line[]): Witness {
  const { room } = city;
  const lies: string[] = [];
  const last = new Map<string, Told>();
  const watchers: JobWatcher[] = [];
  /** How many events of each watcher have been looked at. */
  const seen = new Map<JobWatcher, number>();
  const over = new AbortController();
  let looks = 0;
  const recorders = new Map(
    lines.map(({ orders: [order] }) => {
      const { project } = order!.draft;
      const recorder = recordPointer(room.storeFolder, order!.environment, project, POINTER_LOOK_MS);
      return [placeOf(project, order!.environment), recorder] as const;
    }),
  );

  const liveEpoch = async ({ environment, project }: Told): Promise<number> => {
    const names = await readdir(join(room.storeFolder, "public", environment, project)).catch(() => []);
    return Math.max(0, ...names.filter((name) => /^\d{12}\.json$/.test(name)).map((name) => Number.parseInt(name, 10)));
  };

  async function look(): Promise<void> {
    const rows = await query<Told>(
      room.database.em.fork(),
      `select j.id, p.slug as project, j.environment, j.status, j.generation, j.seq, j.epoch, j.switched_at is not null as switched
       from jobs j join projects p on p.id = j.project_id`,
    );
    for (const row of rows) {
      const before = last.get(row.id);
      last.set(row.id, row);
      if (before) lies.push(...contradictions(before, row));
      if (row.status !== "completed" || before?.status === "completed") continue;
      if (row.epoch === null || !row.switched) lies.push(`${row.id} is completed and has not switched`);
      const live = await liveEpoch(row);
      if (live < (row.epoch ?? 0)) lies.push(`${row.id} is completed at epoch ${row.epoch}, and epoch ${live} is live`);
    }
    for (const watcher of watchers) {
      const from = seen.get(watcher) ?? 0;
      seen.set(watcher, watcher.seen.length);
      if (!watcher.seen.slice(from).some(({ status }) => status === "completed")) continue;
      const [row] = await query<Told>(
        room.database.em.fork(),
        `select j.id, p.slug as project, j.environment, j.status, j.epoch from jobs j join projects p on p.id = j.project_id
         where j.id = $1`,
        [watcher.job],
      );
      if (row?.status !== "completed")
        lies.push(`a stream says that ${watcher.job} is completed; it is ${row?.status}`);
    }
    looks += 1;
  }
  async function watch(): Promise<void> {
    while (!over.signal.aborted) {
      // With PostgreSQL away there is nothing to be seen.
      await look().catch(() => undefined);
      await delay(LOOK_MS, undefined, over).catch(() => undefined);
    }
  }
  const watching = watch();

  return {
    ...{ lies, watchers, recorders },
    looks: () => looks,
    follow: (job) => void watchers.push(watchJob({ url: city.url, key: city.key, job })),
    async stop() {
      over.abort();
      await watching;
      for (const watcher of watchers) watcher.close();
      for (const recorder of recorders.values()) recorder.stop();
    },
  };
}

/** What no later look may show. */
function contradictions(before: Told, now: Told): string[] {
  const said = `${now.id} said ${before.status} (generation ${before.generation}, seq ${before.seq}, epoch ${before.epoch})`;
  const says = `says ${now.status} (generation ${now.generation}, seq ${now.seq}, epoch ${now.epoch})`;
  const wrong =
    now.generation < before.generation ||
    now.seq < before.seq ||
    (before.switched && !now.switched) ||
    (before.epoch !== null && now.epoch !== before.epoch) ||
    (isFinal(before.status) && now.generation === before.generation && now.status !== before.status) ||
    (before.status === "completed" && now.generation !== before.generation) ||
    (before.status === "running" && now.status === "queued" && now.generation === before.generation);
  return wrong ? [`${said} and ${says}`] : [];
}
