/**
 * Starts the members of a job and waits until none is open. Who is due and what has become of whom stand in the rows, so a run that
 * comes from a reset, or continues another, has nothing to remember: it looks, and attaches to what runs already.
 *
 * The ends of children that this run has started are told by Temporal, and cost no worker anything meanwhile; those of the others its
 * activity awaits, some seconds at a time: an activity that waited for all would hold a slot that its members need. A run that continues
 * another knows all of them as others, and only looks.
 */
import {
  CancellationScope,
  condition,
  makeContinueAsNewFunc,
  sleep,
  workflowInfo,
  type Workflow,
} from "@temporalio/workflow";
import type { JobInput } from "../contract/job-input.ts";
import type { JobType } from "../contract/job-types.ts";
import type { MembersInput, MembersLook, MemberStart } from "../contract/members.ts";
import { startAsChild } from "./start-child.ts";

/** Between two looks while nothing is heard: members that are retried by hand, or end without a word, are seen so. */
const [FIRST_PAUSE_MS, LAST_PAUSE_MS] = [1_000, 10_000];
/**
 * The same of a run that cannot continue as new: eleven events of history each look, of which Temporal bears 51,200. 3,200 a day, where one each
 * 10 s were 95,000.
 */
const LAST_PAUSE_OF_ONE_RUN_MS = 300_000;
/** With more children than this the ends of some are gathered before the next look. */
const MANY = 20;
const GATHER_MS = 250;
/** Events after which the run continues as new: Temporal suggests it at 4,096, and replays a long history slowly. */
const LONG_HISTORY = 1_500;

type Look = (asked: Pick<MembersInput, "own" | "attached" | "stopping">) => Promise<MembersLook>;

/** `continueAs`: the input of this run, for a type whose runs may continue as new. */
export async function followMembers(type: JobType, look: Look, continueAs: JobInput | null): Promise<MembersLook> {
  const own = new Set<number>();
  const attached = new Set<number>();
  let ends = 0;
  const begin = async (member: MemberStart): Promise<void> => {
    const child = await startAsChild(type, member);
    if (!child) return void attached.add(member.position);
    attached.delete(member.position);
    own.add(member.position);
    const ended = (): void => {
      own.delete(member.position);
      ends += 1;
    };
    child.result().then(ended, ended);
  };

  const lastPause = continueAs ? LAST_PAUSE_MS : LAST_PAUSE_OF_ONE_RUN_MS;
  // From the second run of a chain on all that ran before are attached: its activity awaits none of them, or it would hold a slot until all end.
  const awaitsAttached = !continueAs?.segment;

  async function follow(stopping: boolean): Promise<MembersLook> {
    for (let pause = FIRST_PAUSE_MS; ;) {
      const seen = ends;
      const found = await look({ own: [...own], attached: [...attached], stopping });
      if (found.ended) return found;
      await Promise.all(found.start.map(begin));
      if (continueAs && !stopping && isLong()) await continueAsNew(continueAs, found.generation);
      if (found.more) continue;
      if (found.start.length > 0 || (found.attached && awaitsAttached)) pause = FIRST_PAUSE_MS;
      if (await condition(() => ends > seen, pause)) {
        pause = FIRST_PAUSE_MS;
        if (own.size > MANY) await sleep(GATHER_MS);
      } else pause = Math.min(lastPause, pause * 2);
    }
  }

  try {
    return await follow(false);
  } catch (error) {
    if (!CancellationScope.current().consideredCancelled) throw error;
    await CancellationScope.nonCancellable(() => follow(true));
    throw error;
  }
}

function isLong(): boolean {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  return historyLength >= LONG_HISTORY || continueAsNewSuggested;
}

/**
 * The next run of the chain says which one it is, so that it is not taken for a reset's. `generation`: of the row, which a reset may have
 * raised since this run's input was written.
 */
async function continueAsNew(input: JobInput, generation: number): Promise<never> {
  const segment = (input.segment ?? 0) + 1;
  const { memo } = workflowInfo();
  const next = makeContinueAsNewFunc<Workflow>({ memo: { ...memo, generation, segment } });
  return next({ ...input, generation, segment });
}
