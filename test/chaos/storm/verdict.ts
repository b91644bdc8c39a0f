/** When all is over: what must be true of every publish, by records, histories, pointers and streams, each for itself. */
import { isFinal, type JobStatus } from "../../../contract/job-state.ts";
import { workflowId } from "../../../contract/workflow-id.ts";
import { query, queryOne } from "../../../src/db.ts";
import { eventsAfter, type JobEvent } from "../../../src/jobs/ledger-store.ts";
import { jobRow, until, type Publishing } from "../../support/publishing.ts";
import { tallyOf } from "../../support/resume-tally.ts";
import { expectWhole } from "../../support/whole-release.ts";
import type { City } from "./city.ts";
import type { Broken } from "./fault.ts";
import type { Accepted, Line, Load } from "./load.ts";
import { placeOf, type Witness } from "./witness.ts";

/** A sentence for each thing that went wrong, by what it means. */
export interface Verdict {
  wrong: string[];
  lost: string[];
  doubled: string[];
  lying: string[];
  /** Publishes whose next attempt went on where the killed one was, of those that had to. */
  resumed: string;
}

/** Temporal's word for how a run closed, by the job's. */
const CLOSED: Record<string, string> = { completed: "COMPLETED", failed: "FAILED", cancelled: "CANCELLED" };
const CLOSE_MS = 60_000;
const EVENTS = 10_000;

export async function judge(
  city: City,
  evidence: { lines: Line[]; load: Load; witness: Witness; broken: Broken[] },
): Promise<Verdict> {
  const { lines, load, witness, broken } = evidence;
  const { room } = city;
  const verdict: Verdict = { wrong: [...load.wrongs], lost: [], doubled: [], lying: [], resumed: "" };
  const db = room.database.em.fork();

  for (const accepted of load.accepted) await judgeJob(room, accepted, verdict);
  const count = (await queryOne<{ count: number }>(db, `select count(*)::int as count from jobs`))?.count ?? 0;
  if (count > load.accepted.length) verdict.doubled.push(`${count} jobs for ${load.accepted.length} publishes`);
  const guards = await query(db, `select job_id from publish_guards`);
  if (guards.length > 0) verdict.wrong.push(`${guards.length} guards are held by nobody's work`);

  for (const { orders } of lines) {
    const [{ draft, environment }] = orders as [Line["orders"][number]];
    const place = placeOf(draft.project, environment);
    const wanted = orders.map((_, at) => at + 1);
    const served = await witness.recorders
      .get(place)!
      .served()
      .catch((error: unknown) => {
        verdict.lying.push(String(error));
        return [];
      });
    if (String(served) !== String(wanted))
      verdict.doubled.push(`${place} served epochs ${String(served)}, not ${String(wanted)}`);
    const sql = `select epoch from environment_releases where project_id = $1 and environment = $2 order by epoch`;
    const epochs = (await query<{ epoch: number }>(db, sql, [draft.project_id, environment])).map(({ epoch }) => epoch);
    if (String(epochs) !== String(wanted)) verdict.doubled.push(`${place} has epochs ${String(epochs)} in the records`);
  }
  const versions = new Map(load.accepted.map(({ order: { draft } }) => [draft.version_id, draft]));
  for (const [version, draft] of versions) {
    const sql = `select count(*)::int as count from releases where version_id = $1`;
    const releases = (await queryOne<{ count: number }>(db, sql, [version]))?.count ?? 0;
    if (releases === 0) verdict.lost.push(`version ${version} has no release`);
    if (releases > 1) verdict.doubled.push(`version ${version} has ${releases} releases`);
    await expectWhole(room, draft).catch((error: unknown) => verdict.wrong.push(`${draft.project}: ${String(error)}`));
  }

  for (const watcher of witness.watchers) {
    const events = await eventsAfter(db, watcher.job, 0, EVENTS);
    const { missing, doubled, out_of_order, wrong, finals } = tallyOf(events, [watcher]);
    const told = { missing, doubled, out_of_order, wrong, finals };
    if (missing + doubled + out_of_order + wrong > 0 || finals !== 1)
      verdict.lying.push(`the stream of ${watcher.job}: ${JSON.stringify(told)}`);
  }
  verdict.lying.push(...witness.lies);
  verdict.resumed = await judgeResumed(room, broken, verdict);
  return verdict;
}

/** The row against its own ledger and against the history. */
async function judgeJob(room: Publishing, { job, retries, order }: Accepted, verdict: Verdict): Promise<void> {
  const row = await jobRow(room, job).catch(() => null);
  if (!row) return void verdict.lost.push(`${job} was accepted, and there is no such job`);
  if (!isFinal(row.status)) return void verdict.lost.push(`${job} is still ${row.status} in ${row.step}`);
  if (row.status !== "completed") verdict.wrong.push(`${job} (${order.poison?.name ?? "publish"}) is ${row.status}`);
  if (row.generation !== retries.length + 1)
    verdict.wrong.push(`${job} is in generation ${row.generation} after ${retries.length} retries`);
  const lines = await query(room.database.em.fork(), `select 1 from environment_releases where job_id = $1`, [job]);
  if (lines.length > 1) verdict.doubled.push(`${job} has switched ${lines.length} times`);

  const handle = room.temporal.client.workflow.getHandle(workflowId("publish", job));
  const run = await until(
    `the workflow of ${job} to close`,
    async () => {
      const found = await handle.describe();
      return found.status.name !== "RUNNING" && found;
    },
    CLOSE_MS,
  ).catch(() => null);
  if (run?.status.name !== CLOSED[row.status])
    verdict.lying.push(`${job} is ${row.status}, and its workflow ${run?.status.name ?? "still running"}`);
  if (run && run.runId !== row.run_id)
    verdict.lying.push(`${job} names run ${row.run_id}; the last one is ${run.runId}`);
  if (run && Number(run.memo?.["generation"] ?? 1) !== row.generation)
    verdict.lying.push(
      `${job} is in generation ${row.generation}, its last run in ${String(run.memo?.["generation"])}`,
    );
  verdict.wrong.push(...ledgerFaults(job, await eventsAfter(room.database.em.fork(), job, 0, EVENTS), row));
}

/** Gap-free, one final event per generation, nothing after one but a reopening. */
export function ledgerFaults(
  job: string,
  events: readonly JobEvent[],
  row: { seq: number; generation: number; status: JobStatus },
): string[] {
  const faults: string[] = [];
  if (events.some(({ seq }, at) => seq !== at + 1)) faults.push(`the ledger of ${job} has gaps`);
  if (row.seq !== events.length) faults.push(`${job} has ${events.length} events, its row says ${row.seq}`);
  const statuses = events.filter(({ kind }) => kind === "status");
  const finals = statuses.filter(({ data }) => isFinal(data["status"] as JobStatus));
  const generations = finals.map(({ data }) => data["generation"]);
  if (new Set(generations).size !== generations.length) faults.push(`${job} has ended twice: ${String(generations)}`);
  for (const final of finals) {
    const next = events[final.seq];
    if (next && next.data["reopened"] !== true) faults.push(`${job} has events behind its end, seq ${next.seq}`);
  }
  const end = statuses.at(-1)?.data;
  if (end?.["status"] !== row.status || end["generation"] !== row.generation)
    faults.push(`the ledger of ${job} ends ${String(end?.["status"])}, its row says ${row.status}`);
  return faults;
}

/** What a step says that had nothing left to do: the same tiles were verified meanwhile, for another environment. */
const NOTHING_LEFT = /were verified before|unchanged since every byte/;

/** Resumed, not restarted: somebody went on at the tile that the last heartbeat had told, or behind it. */
async function judgeResumed(room: Publishing, broken: readonly Broken[], verdict: Verdict): Promise<string> {
  let [resumed, spared] = [0, 0];
  for (const { job, index, seq } of broken) {
    const events = await eventsAfter(room.database.em.fork(), job, seq, EVENTS);
    const told = events.filter(({ kind }) => kind === "log").map(({ data }) => String(data["message"]));
    const from = told.flatMap((message) => /^Resuming at tile (\d+)/.exec(message)?.[1] ?? []);
    if (from.some((tile) => Number(tile) > index)) resumed += 1;
    else if (told.some((message) => NOTHING_LEFT.test(message))) spared += 1;
    else verdict.wrong.push(`${job} did not go on at tile ${index + 1}; it says: ${told.join(" | ")}`);
  }
  return `${resumed} of ${broken.length}${spared > 0 ? `, and ${spared} had nothing left to do` : ""}`;
}
