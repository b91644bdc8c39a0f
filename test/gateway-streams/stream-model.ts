/**
 * A job, its watchers, and everything that may happen to them, for the model test of the streams. What a watcher is told is held
 * against the rules frame by frame, and at the end against the ledger.
 */
import { FINAL_EVENT_NAMES, isFinal, type FinalStatus } from "../../contract/job-state.ts";
import { PUBLISH_STEPS } from "../../contract/publish.ts";
import { query, transaction } from "../../src/db.ts";
import { lockJob } from "../../src/jobs/job-store.ts";
import { writeJob } from "../../src/jobs/job-writes-store.ts";
import type { JobEvent } from "../../src/jobs/ledger-store.ts";
import { writeProgress } from "../../src/jobs/progress-store.ts";
import { mine, writeEnding, type Grip } from "../../src/jobs/protocol/attempt.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { leaveStep } from "../../src/jobs/protocol/ledger-writes.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { createDraft, jobRow, ledger, queueJob } from "../support/publishing.ts";
import type { GatewayRoom } from "../gateway/gateway-room.ts";
import { createModelWatcher, type ModelWatcher } from "./model-watcher.ts";

export type Action =
  | { do: "enter" | "leave" | "report" | "retry" }
  | { do: "log"; count: number }
  | { do: "end"; status: FinalStatus }
  /** As retention will: everything before that share of the ledger is deleted. */
  | { do: "truncate"; share: number }
  | { do: "open"; watcher: number; gateway: number; cursor: Cursor; cutAt: number | null }
  | { do: "drop"; watcher: number }
  /** Until the watcher, if it is connected, has been told everything. */
  | { do: "wait"; watcher: number };

/** Its own, none, any number, or any text. */
export type Cursor = "own" | "none" | number | { text: string };

export interface StreamModel {
  act(action: Action): Promise<void>;
  /** Ends the job, lets every watcher come back until it is told to stay away, and looks at what they hold. */
  finish(): Promise<void>;
  close(): void;
}

const WATCHERS = 3;
/** Answers that may break off one after the other before a watcher that comes back has got nowhere. */
const MAX_ANSWERS = 5;

export async function createStreamModel(room: GatewayRoom, urls: readonly string[]): Promise<StreamModel> {
  const { deps, database } = room;
  const id = await queueJob(room, await createDraft(room));
  const db = () => database.em.fork();
  let grip: Grip | null = null;
  let step = 0;
  let attempt_at = 0;
  let report = 0;
  /** Events that are not in the ledger any more. */
  const archive: JobEvent[] = [];
  /** The lowest `seq` that is left, or will be in a moment. */
  let oldest = 1;
  const watchers: ModelWatcher[] = Array.from({ length: WATCHERS }, () =>
    createModelWatcher({ key: room.keys.viewer, path: `/jobs/${id}/stream`, oldest: () => oldest }),
  );

  async function enter(): Promise<void> {
    const { status, generation } = await jobRow(room, id);
    if (isFinal(status)) return;
    const { name } = PUBLISH_STEPS[step++ % PUBLISH_STEPS.length]!;
    const attempt = { job_id: id, run_id: `run-${generation}`, attempt_at: ++attempt_at, generation, reset: false };
    const entered = await enterStep(deps, attempt, { step: name, message: `Begins ${name}` });
    if (entered.kind === "entered") grip = entered.grip;
  }

  async function log(held: Grip, count: number): Promise<void> {
    const said = Array.from({ length: count }, (_, index) => `Entry ${index + 1} of ${count}, – „${attempt_at}“`);
    const events = said.map((message) => ({ kind: "log" as const, data: { level: "info", message } }));
    await writeJob(db(), id, {}, events, { fence: mine(held) });
    deps.notifier.touch(id);
  }

  async function tellProgress({ generation }: Grip): Promise<void> {
    report += 1;
    await writeProgress(db(), [
      { job_id: id, generation, attempt_at, report, progress: report % 100, message: `Report ${report}` },
    ]);
    deps.notifier.touch(id);
  }

  async function end(status: FinalStatus): Promise<void> {
    const code = status === "failed" ? { code: "internal" } : {};
    await transaction(database, async (tx) => {
      const row = await lockJob(tx, id);
      if (row && !isFinal(row.status)) await writeEnding(tx, row, { status, message: `It is ${status}`, ...code });
    });
    grip = null;
    deps.notifier.touch(id);
  }

  async function retry(): Promise<void> {
    const { status } = await jobRow(room, id);
    if (status === "failed" || status === "cancelled") await retryJob(deps, { job_id: id, by: room.principal });
  }

  async function truncate(share: number): Promise<void> {
    const { seq } = await jobRow(room, id);
    const before = Math.max(oldest, Math.ceil(share * seq));
    archive.push(...(await ledger(room, id)).filter((event) => event.seq < before));
    oldest = before;
    await query(db(), "delete from job_events where job_id = $1 and seq < $2", [id, before]);
  }

  async function open(watcher: ModelWatcher, url: string, cursor: Cursor, cutAt: number | null): Promise<void> {
    await watcher.drop();
    const row = await jobRow(room, id);
    if (cursor === "none") watcher.forget(null);
    else if (typeof cursor === "number") watcher.forget(`${cursor}`);
    else if (cursor !== "own") watcher.forget(cursor.text);
    await watcher.open({ url, cutAt, row });
  }

  async function wait(watcher: ModelWatcher): Promise<void> {
    const { seq } = await jobRow(room, id);
    await watcher.reaches(seq);
  }

  async function act(action: Action): Promise<void> {
    if (action.do === "enter") await enter();
    if (action.do === "log" && grip) await log(grip, action.count);
    if (action.do === "report" && grip) await tellProgress(grip);
    if (action.do === "leave" && grip) await leaveStep(deps, grip, grip.held.step ?? "", `Done with ${grip.held.step}`);
    if (action.do === "end") await end(action.status);
    if (action.do === "retry") await retry();
    if (action.do === "truncate") await truncate(action.share);
    if (action.do === "open") {
      const { watcher, gateway, cursor, cutAt } = action;
      await open(watchers[watcher]!, urls[gateway]!, cursor, cutAt);
    }
    if (action.do === "drop") await watchers[action.watcher]!.drop();
    if (action.do === "wait") await wait(watchers[action.watcher]!);
    for (const watcher of watchers) watcher.demandSound();
  }

  async function comeBack(watcher: ModelWatcher): Promise<void> {
    for (let answers = 1; answers <= MAX_ANSWERS; answers++) {
      await open(watcher, urls[answers % urls.length]!, "own", null);
      await watcher.ended();
      watcher.demandSound();
      if (watcher.isToldToStayAway()) return;
    }
    throw new Error(`a watcher got nowhere in ${MAX_ANSWERS} answers, with the cursor ${watcher.cursor()}`);
  }

  return {
    act,
    async finish() {
      await end("completed");
      await Promise.all(watchers.map(comeBack));
      const row = await jobRow(room, id);
      const all = [...archive, ...(await ledger(room, id))];
      for (const watcher of watchers) watcher.demandWhole(all, FINAL_EVENT_NAMES[row.status as FinalStatus]);
    },
    close() {
      for (const watcher of watchers) void watcher.drop();
    },
  };
}
