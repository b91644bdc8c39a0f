/**
 * Who is due, and how a group stands, by its members' rows alone. Pure: a parent that runs again comes to the same.
 *
 *   waiting ──all that it depends on are done──► due ──► queued ──► running ──► completed | partially_completed | failed | cancelled
 *      └──one of those is not done, or nothing begins any more──► skipped
 *
 * A member that failed and is done once more waits again: so does what was skipped because of it.
 */
import type { MemberCounts, OnFailure } from "../../../contract/group.ts";
import { isFinal, JOB_STATUSES, type FinalStatus, type JobStatus } from "../../../contract/job-state.ts";

export interface MemberNow {
  position: number;
  key: string;
  weight: number;
  /** Keys. */
  depends_on: readonly string[];
  /** It is to run once more. */
  again: boolean;
  /** Why no job could be made of it. */
  refused: { code: string; message: string } | null;
  /** Of its job, if there is one. */
  status: JobStatus | null;
  progress: number | null;
}

export interface GroupRules {
  on_failure: OnFailure;
  concurrency: number;
  /** The group is being cancelled. */
  stopping: boolean;
}

export type MemberState = JobStatus | "waiting" | "due" | "skipped";

export interface GroupStand<Member> {
  /** In the order of the request. */
  states: MemberState[];
  /** Those that may begin now, in order. */
  due: Member[];
  open: Member[];
  counts: MemberCounts;
  /** Of the weights, 0 to 1. */
  fraction: number;
  /** None is open, and none will begin. */
  ended: boolean;
}

export function planMembers<Member extends MemberNow>(
  members: readonly Member[],
  rules: GroupRules,
): GroupStand<Member> {
  const byKey = new Map(members.map((member) => [member.key, member]));
  const stops = rules.stopping || (rules.on_failure === "stop" && members.some((member) => isLost(standing(member))));
  const known = new Map<string, MemberState>();
  const stateOf = (member: Member): MemberState => {
    const found = known.get(member.key);
    if (found !== undefined) return found;
    const state = standing(member);
    const decided = state === "waiting" ? waiting(member) : state;
    known.set(member.key, decided);
    return decided;
  };
  const waiting = (member: Member): MemberState => {
    if (stops) return "skipped";
    const needs = member.depends_on.flatMap((key) => byKey.get(key) ?? []).map(stateOf);
    if (needs.some((state) => isLost(state) || state === "skipped")) return "skipped";
    return needs.every(isDone) ? "due" : "waiting";
  };
  const states = members.map(stateOf);
  const of = (wanted: (state: MemberState) => boolean): Member[] =>
    members.filter((_, index) => wanted(states[index] ?? "waiting"));
  const open = of(isOpen);
  const ready = of((state) => state === "due");
  return {
    ...{ states, open, counts: countsOf(states), fraction: fractionOf(members, states) },
    due: ready.slice(0, Math.max(0, rules.concurrency - open.length)),
    ended: open.length === 0 && !states.some((state) => state === "due" || state === "waiting"),
  };
}

/** How a group ends by itself: not one that is being cancelled. */
export function verdictOf(counts: MemberCounts, on_failure: OnFailure): Exclude<FinalStatus, "cancelled"> {
  const [done, lost] = [counts.completed + counts.partially_completed, counts.failed + counts.cancelled];
  if (lost === 0) return counts.partially_completed > 0 ? "partially_completed" : "completed";
  return on_failure === "continue" && done > 0 ? "partially_completed" : "failed";
}

export const isOpen = (state: MemberState): boolean => state === "queued" || state === "running";

export const isDone = (state: MemberState): boolean => state === "completed" || state === "partially_completed";

const isLost = (state: MemberState): boolean => state === "failed" || state === "cancelled";

/** By its job, where there is one; a retry that could not be made leaves the job as it ended. */
function standing({ again, refused, status }: MemberNow): MemberState {
  if (status !== null && (isOpen(status) || isDone(status))) return status;
  if (again) return "waiting";
  return status ?? (refused ? "failed" : "waiting");
}

function countsOf(states: readonly MemberState[]): MemberCounts {
  const counts = Object.fromEntries(JOB_STATUSES.map((status) => [status, 0])) as MemberCounts;
  for (const state of states) counts[statusOf(state)] += 1;
  return counts;
}

/** What a member is called for people: one that waits is queued, one that is skipped cancelled. */
export function statusOf(state: MemberState): JobStatus {
  if (state === "waiting" || state === "due") return "queued";
  return state === "skipped" ? "cancelled" : state;
}

/** What has ended is through, however it ended; what is skipped never is. Members without weight count as one each when none has any. */
function fractionOf(members: readonly MemberNow[], states: readonly MemberState[]): number {
  const total = members.reduce((sum, { weight }) => sum + weight, 0);
  const through = members.reduce((sum, { weight, progress }, index) => {
    const state = states[index] ?? "waiting";
    const share = isFinal(statusOf(state))
      ? state === "skipped"
        ? 0
        : 1
      : state === "running"
        ? (progress ?? 0) / 100
        : 0;
    return sum + (total > 0 ? weight : 1) * share;
  }, 0);
  return Math.min(1, through / (total > 0 ? total : members.length));
}
