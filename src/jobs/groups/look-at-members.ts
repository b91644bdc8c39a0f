/**
 * A look at the members of a job, in one transaction under its row's lock: what has ended is told in its ledger, what is due becomes jobs.
 * All of it follows from the rows, so an attempt that dies after it is repeated without a second job, and without a second entry.
 */
import type { GroupPayload, MemberCounts } from "../../../contract/group.ts";
import { isFinal } from "../../../contract/job-state.ts";
import type { MemberStart } from "../../../contract/members.ts";
import { percentWithin } from "../../../contract/progress.ts";
import { transaction, type Db } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { lockJob, type JobRow } from "../job-store.ts";
import { writeJob, type NewEvent } from "../job-writes-store.ts";
import { isMine, stepsOf, type Grip, type ProtocolDeps } from "../protocol/attempt.ts";
import { startsOf } from "../protocol/start.ts";
import { beginMembers } from "./begin-members.ts";
import { markTold, pulseOfChildren, readMembers, type MemberRow } from "./member-store.ts";
import { isOpen, planMembers, statusOf, type GroupRules, type GroupStand, type MemberState } from "./plan-members.ts";

export interface FoundMembers {
  members: MemberRow[];
  stand: GroupStand<MemberRow>;
  /** Queued jobs whose workflows are not known to have been started. */
  start: MemberStart[];
  more: boolean;
  /** Open members that the asking run has not started itself. */
  attached: number;
  message: string;
  /** As long as it stays so there is nothing new to see. */
  pulse: string;
}

/** Begun in one look: so many rows and starts fit well into a transaction, and into a workflow's task. */
const AT_A_TIME = 200;
/** Without a limit: all that are due. */
const UNLIMITED = 1_000_000;

export interface LookRequest {
  grip: Grip;
  stopping: boolean;
  /** Positions of members that the asking run has started itself, and not seen end. */
  own: readonly number[];
  /** Likewise of those whose workflows it found there already. */
  attached: readonly number[];
}

/** Error: superseded. */
export async function lookAtMembers(
  deps: Pick<ProtocolDeps, "database" | "notifier">,
  { grip, stopping, own, attached }: LookRequest,
): Promise<FoundMembers> {
  const db = deps.database.em.fork();
  // Before the look: what changes in the middle of it is seen by the next.
  const pulse = await pulseOfChildren(db, grip.job_id);
  const found = await transaction(deps.database, async (tx) => {
    const row = await lockJob(tx, grip.job_id);
    if (!row || !isMine(row, grip)) throw new AppError("superseded", { job: grip.job_id });
    const rules = rulesOf(row, stopping);
    const before = await readMembers(tx, row.id);
    // A cancel that the workflow has not heard of yet: who stops the open members must not find others begun behind it.
    const due = isToStop(row) ? [] : planMembers(before, rules).due;
    const begun = due.slice(0, AT_A_TIME);
    if (begun.length > 0) await beginMembers(tx, row, begun);
    const members = begun.length > 0 ? await readMembers(tx, row.id) : before;
    const stand = planMembers(members, rules);
    // A publish goes on saying what it does.
    const message = row.job_type === "group" ? messageOf(stand.counts, members.length) : (row.message ?? "");
    await tell(tx, row, { members, stand, message, stopping });
    return { members, stand, begun, message, more: due.length > begun.length };
  });
  deps.notifier.touch(grip.job_id);
  for (const { job_id } of found.begun) deps.notifier.touch(job_id);
  const known = new Set(own);
  const strangers = found.stand.open.filter(({ position }) => !known.has(position));
  // One that was found there and is queued all the same is begun by whoever started it; a retry of it, by this very look, is not.
  const there = new Set(attached);
  const isNews = ({ position }: MemberRow): boolean =>
    !there.has(position) || found.begun.some((each) => each.position === position);
  const queued = strangers.filter((member) => member.status === "queued" && isNews(member));
  const start = stopping ? [] : await startsFor(db, queued);
  return { ...found, start, attached: strangers.length, pulse };
}

const isToStop = ({ cancel_requested_at, deadline_stop_at }: JobRow): boolean =>
  cancel_requested_at !== null || deadline_stop_at !== null;

function rulesOf({ payload }: JobRow, stopping: boolean): GroupRules {
  const { on_failure = "stop", concurrency = UNLIMITED } = payload as Partial<GroupPayload>;
  return { on_failure, concurrency, stopping };
}

async function startsFor(db: Db, queued: readonly MemberRow[]): Promise<MemberStart[]> {
  const starts = await startsOf(
    db,
    queued.slice(0, AT_A_TIME).map(({ job_id }) => job_id),
  );
  const positions = new Map(queued.map(({ job_id, position }) => [job_id, position]));
  return starts.map((start) => ({ ...start, position: positions.get(start.input.job_id) ?? 0 }));
}

/** An entry for each end that has not been told yet, and how the group stands. */
async function tell(
  tx: Db,
  row: JobRow,
  found: Pick<FoundMembers, "members" | "stand" | "message"> & { stopping: boolean },
): Promise<void> {
  const { members, stand, message, stopping } = found;
  const step = row.step ?? "";
  const reached = percentWithin(stepsOf(row), step, stand.fraction);
  // The last percent is the final state's, and what is cancelled gets no further.
  const progress = stopping ? row.progress : Math.max(row.progress, Math.min(99, reached));
  const news = members.flatMap((member, index) => {
    const end = endOf(member, stand.states[index] ?? "waiting");
    return end !== null && end !== member.told ? [{ member, end, state: stand.states[index] ?? "waiting" }] : [];
  });
  const events = news.map(({ member, state }) => entryOf(member, state, step, progress));
  const { counts } = stand;
  const isNew = row.message !== message || progress !== row.progress || events.length > 0;
  if (!isNew) return;
  await writeJob(tx, row.id, { members: counts, message, progress, last_activity_at: "now" }, events);
  if (news.length > 0)
    await markTold(
      tx,
      row.id,
      news.map(({ member: { position }, end }) => ({ position, told: end })),
    );
}

/** Names an end: a member that is retried has another. Null for one that has not ended, and for what was never begun. */
function endOf({ generation, refused }: MemberRow, state: MemberState): string | null {
  if (state === "skipped" || !isFinal(statusOf(state))) return null;
  return generation === null ? `refused: ${refused?.code ?? ""}` : `${generation} ${state}`;
}

function entryOf(member: MemberRow, state: MemberState, step: string, progress: number): NewEvent {
  const { key, job_id, refused } = member;
  const status = statusOf(state);
  const level = status === "failed" ? "error" : status === "cancelled" ? "warn" : "info";
  const why = refused?.message ?? member.message;
  const words = status.replace("_", " ");
  const message = status === "failed" ? `${key} has failed: ${why ?? "nobody said why"}` : `${key} is ${words}`;
  return { kind: "log", data: { level, message, step, progress, member: { key, job_id, status } } };
}

/** `3 of 10 members have ended: 2 completed, 1 failed; 4 running` */
function messageOf(counts: MemberCounts, total: number): string {
  const { queued, running, ...ended } = counts;
  const parts = Object.entries(ended)
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${count} ${status.replace("_", " ")}`);
  const how = parts.length > 0 ? `: ${parts.join(", ")}` : "";
  return `${total - queued - running} of ${total} members have ended${how}${running > 0 ? `; ${running} running` : ""}`;
}

/** Those that a cancel of the group is to reach. */
export const toBeCancelled = ({ members, stand }: Pick<FoundMembers, "members" | "stand">): MemberRow[] =>
  members.filter((member, index) => isOpen(stand.states[index] ?? "waiting") && !member.cancelling);
