/** How a group ends whose members have all ended: what is told of them, bounded. */
import type { GroupResult, MemberOutcome, OnFailure } from "../../../contract/group.ts";
import { isFinal, type FinalStatus } from "../../../contract/job-state.ts";
import type { Problem } from "../../../contract/problem.ts";
import type { FoundMembers } from "./look-at-members.ts";
import type { MemberRow } from "./member-store.ts";
import { statusOf, verdictOf, type MemberState } from "./plan-members.ts";

export interface GroupEnd {
  status: Exclude<FinalStatus, "cancelled">;
  message: string;
  result: GroupResult;
  /** One for each member that was not done. */
  problems: Problem[];
}

/** Named in a result. */
const MAX_NAMED = 100;

export function concludeGroup(
  groupId: string,
  { members, stand, message }: Pick<FoundMembers, "members" | "stand" | "message">,
  on_failure: OnFailure,
): GroupEnd {
  const outcomes = members.map((member, index) => outcomeOf(member, stand.states[index] ?? "waiting"));
  const isLost = ({ status }: MemberOutcome): boolean => status === "failed" || status === "cancelled";
  const [lost, done] = [outcomes.filter(isLost), outcomes.filter((each) => !isLost(each))];
  return {
    status: verdictOf(stand.counts, on_failure),
    message,
    result: {
      counts: stand.counts,
      members: [...lost, ...done].slice(0, MAX_NAMED),
      members_link: `/groups/${groupId}`,
    },
    problems: members.flatMap((member, index) => {
      const outcome = outcomes[index];
      return outcome && isLost(outcome) ? [problemOf(member, outcome)] : [];
    }),
  };
}

/** What became of a member, and why, where it was not done. */
export function codeOf(member: MemberRow, state: MemberState): string | null {
  if (state === "skipped") return "not_begun";
  if (state !== "failed" && state !== "cancelled") return null;
  return member.refused?.code ?? member.error_code;
}

function outcomeOf(member: MemberRow, state: MemberState): MemberOutcome {
  const { key, job_id, job_type: type } = member;
  const status = statusOf(state);
  if (!isFinal(status)) throw new Error(`member ${key} of a group that has ended is ${status}`);
  const code = codeOf(member, state);
  const link = member.status === null ? {} : { link: `/jobs/${job_id}` };
  return { key, job_id, type, status, ...(code === null ? {} : { code }), ...link };
}

function problemOf({ key, refused, message, status }: MemberRow, { code = "cancelled" }: MemberOutcome): Problem {
  const why = code === "not_begun" ? "It was not begun: another member was not done." : (refused?.message ?? message);
  return { code, path: `/members/${key}`, message: why ?? `It is ${status ?? "not begun"}.` };
}
