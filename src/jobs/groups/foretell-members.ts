/** What a retry of a group would do with its members. Pure. */
import { isDone, isOpen, type MemberNow } from "./plan-members.ts";

export interface MemberShare {
  count: number;
  /** The first of them, in the order of the request. */
  keys: string[];
}

/** Each member is in one of them. */
export interface ForetoldMembers {
  /** They stay as they are. */
  done: MemberShare;
  /** They were not done, or could not even be begun: once more. */
  again: MemberShare;
  /** They were not begun: for the first time, when what they depend on is done. */
  skipped: MemberShare;
  /** Somebody has retried them by hand: the group follows them. */
  open: MemberShare;
}

/** Of each share: a thousand keys would hide the rest of the answer. */
const MAX_KEYS = 20;

/** As `runMembersAgain` (member-store.ts) would choose. */
export function foretellMembers(members: readonly Pick<MemberNow, "key" | "status" | "refused">[]): ForetoldMembers {
  const shares: Record<keyof ForetoldMembers, string[]> = { done: [], again: [], skipped: [], open: [] };
  for (const member of members) shares[shareOf(member)].push(member.key);
  const told = (keys: string[]): MemberShare => ({ count: keys.length, keys: keys.slice(0, MAX_KEYS) });
  const { done, again, skipped, open } = shares;
  return { done: told(done), again: told(again), skipped: told(skipped), open: told(open) };
}

function shareOf({ status, refused }: Pick<MemberNow, "status" | "refused">): keyof ForetoldMembers {
  if (status !== null && isDone(status)) return "done";
  if (status !== null && isOpen(status)) return "open";
  return status !== null || refused ? "again" : "skipped";
}
