/**
 * The one step of a group, again and again until no member is open: tells what has ended, makes jobs of what is due, and answers which of
 * them the workflow is to start. Members that this run has not started itself are awaited here, for some seconds.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { GroupPayload } from "../../contract/group.ts";
import type { MembersInput, MembersLook } from "../../contract/members.ts";
import { AppError } from "../../src/errors.ts";
import { concludeGroup } from "../../src/jobs/groups/conclude-group.ts";
import { lookAtMembers, toBeCancelled, type FoundMembers } from "../../src/jobs/groups/look-at-members.ts";
import { pulseOfChildren } from "../../src/jobs/groups/member-store.ts";
import { stopMembers } from "../../src/jobs/groups/stop-members.ts";
import { noteCancelStage } from "../../src/jobs/protocol/cancel-stages.ts";
import { finishJob } from "../../src/jobs/protocol/finish.ts";
import { noteResult } from "../../src/jobs/protocol/ledger-writes.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import { type StepTools, beating } from "../beating.ts";
import { enter } from "../enter.ts";
import { guarded } from "../guarded.ts";

/** For members of others: longer, and groups could hold every slot that their members need. */
const STAY_MS = 10_000;
/** Between two looks at whether anything has changed; the first of them soon, for short members. */
const [FIRST_LOOK_MS, LAST_LOOK_MS] = [100, 1_000];

/** Error: member_failed (final), for a group that is not done. */
export async function runMembers(deps: ActivityDeps, input: MembersInput): Promise<MembersLook> {
  const entry = { step: "run_members", message: "Running its members", keeps: "progress" as const };
  // After continuing as new every member that runs is another's: the workflow sleeps between two looks, and the slot is free.
  const stayMs = input.job.segment ? 0 : STAY_MS;
  const ends: Parameters<typeof inMembersStep>[3] = async (tools, found) => {
    const { grip, row } = tools;
    if (!found.stand.ended || input.stopping) return {};
    const { on_failure } = row.payload as unknown as GroupPayload;
    const end = concludeGroup(row.id, found, on_failure);
    const { status, message, result, problems } = end;
    if (status === "failed") {
      // An attempt before this one may have told it, and died.
      if (row.result === null) await noteResult(deps, grip, result);
      const [first] = problems;
      const facts = { count: problems.length, total: found.members.length, first: `${first?.path}: ${first?.message}` };
      throw new AppError("member_failed", facts, { problems });
    }
    await finishJob(deps, grip, { status, message, result, errors: problems.slice(0, MAX_PROBLEMS) });
    deps.mirror.forget(grip);
    return { result };
  };
  const begins = async ({ row, size }: StepTools): Promise<void> => {
    // Of many looks most come after a member's end.
    if (input.own.length === 0) await size((row.payload as unknown as GroupPayload).member_count);
  };
  return inMembersStep(deps, input, { ...entry, stayMs }, ends, begins);
}

const MAX_PROBLEMS = 200;

/** `stayMs`: how long a look may wait for members that the asking run has not started. */
interface MembersEntry {
  step: string;
  message: string;
  keeps: "progress";
  stayMs: number;
}

/** For every job that has members, in whatever step of it. `ends`: what is to be done about what was found. `begins`: comes before every look. */
export async function inMembersStep(
  deps: ActivityDeps,
  input: MembersInput,
  { stayMs, ...entry }: MembersEntry,
  ends: (tools: StepTools, found: FoundMembers) => Promise<Pick<MembersLook, "result">>,
  begins: (tools: StepTools) => Promise<void> = async () => undefined,
): Promise<MembersLook> {
  return guarded(async (context) => {
    const { grip, row } = await enter(deps, context, input, entry);
    return beating(deps, context, { grip, row, step: entry.step }, async (tools) => {
      await begins(tools);
      const found = await follow(deps, { ...input, stayMs }, tools);
      const result = await ends(tools, found);
      const { start, more, attached, stand } = found;
      return { ended: stand.ended, start, more, attached: attached > 0, generation: grip.generation, ...result };
    });
  });
}

/** Looks; and where members are open that end without the workflow's hearing of it, waits for the next change, and looks again. */
async function follow(
  deps: ActivityDeps,
  { own, attached: there, stopping, stayMs }: MembersInput & Pick<MembersEntry, "stayMs">,
  tools: StepTools,
): Promise<FoundMembers> {
  const { grip, row, signal } = tools;
  const until = performance.now() + stayMs;
  if (stopping) await noteCancelStage(deps, grip, "acknowledged");
  for (;;) {
    const found = await lookAtMembers(deps, { grip, stopping, own, attached: there });
    // All of it is the final state's.
    if (!stopping) tools.report(Math.min(0.99, found.stand.fraction), found.message);
    const { stand, start, more, attached } = found;
    if (stopping) await stopMembers(deps, row, toBeCancelled(found), deps.config.PLATEN_CANCEL_DEADLINE_SECONDS);
    if (stand.ended || start.length > 0 || more || attached === 0) return found;
    if (!(await untilChanged(deps, { id: row.id, pulse: found.pulse, until, signal }))) return found;
  }
}

/** False when the time is over. */
async function untilChanged(
  deps: ActivityDeps,
  { id, pulse, until, signal }: { id: string; pulse: string; until: number; signal: AbortSignal },
): Promise<boolean> {
  for (let wait = FIRST_LOOK_MS; performance.now() < until; wait = Math.min(LAST_LOOK_MS, wait * 1.5)) {
    await pause(wait, undefined, { signal });
    if ((await pulseOfChildren(deps.database.em.fork(), id)) !== pulse) return true;
  }
  return false;
}
