/** Where jobs of throttled types begin: they wait for their permit, in no worker's slot. */
import { condition, defineSignal, setHandler } from "@temporalio/workflow";
import type { StepInput } from "../contract/job-input.ts";
import { PERMIT_SIGNAL } from "../contract/messages.ts";
import { ASKING, proxy } from "./activity-options.ts";
import type { StepTracker } from "./steps.ts";

const asking = { awaitPermit: proxy("awaitPermit", ASKING) };
const permitSignal = defineSignal(PERMIT_SIGNAL);

/**
 * Who grants a permit tells its run at once; these are for when that was lost. Eleven events of history each time: 1,600 for a day in line.
 */
const FIRST_LOOK_MS = 60_000;
const LAST_LOOK_MS = 600_000;

/** Resolves when the job has its permit, or has ended meanwhile: its first step finds that out. */
export async function untilPermitted(
  input: StepInput,
  told: { summary: { summary: string }; note: StepTracker["note"] },
): Promise<void> {
  let woken = false;
  setHandler(permitSignal, () => void (woken = true));
  for (let pause = FIRST_LOOK_MS; ; pause = Math.min(LAST_LOOK_MS, pause * 2)) {
    woken = false;
    const { waits } = await asking.awaitPermit.executeWithOptions(told.summary, [input]);
    if (waits === null) return;
    told.note(waits);
    await condition(() => woken, pause);
  }
}
