/**
 * The product's activities of a publish, each of which has a lot to say before its work: entries of the job's log and reports of
 * progress, through the very tools that the work is given.
 *
 *   main.ts ENTRIES MS      of each attempt of each step, and the pause between two
 */
import { argv } from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { createActivities as createReal, type Activities } from "../../activities/index.ts";
import type { PublishStepInput } from "../../activities/publish/step-input.ts";
import type { ActivityDeps } from "../../activities/activity-deps.ts";
import { beating } from "../../activities/beating.ts";
import { enter } from "../../activities/enter.ts";
import { guarded } from "../../activities/guarded.ts";

const [entries, pauseMs] = [Number(argv[2]), Number(argv[3])];

/** In the place of the registry's function of that name. */
export function createActivities(deps: ActivityDeps): Activities {
  const real = createReal(deps);
  const talkative =
    <Input extends PublishStepInput, Output>(step: string, work: (input: Input) => Promise<Output>) =>
    async (input: Input): Promise<Output> => {
      await talk(deps, input, step);
      // It enters once more, as the same attempt of the same step: that is no news, and nothing is written.
      return work(input);
    };
  return {
    ...real,
    validate: talkative("validate", real.validate),
    generateRelease: talkative("generate_release", real.generateRelease),
    upload: talkative("upload", real.upload),
    verifyTiles: talkative("verify_tiles", real.verifyTiles),
    markPublished: talkative("mark_published", real.markPublished),
  };
}

/** What an attempt cannot write ends it, and the next one begins from the start: so outages make for more entries, not fewer. */
function talk(deps: ActivityDeps, input: PublishStepInput, step: string): Promise<void> {
  return guarded(async (context) => {
    const { grip, row } = await enter(deps, context, input, { step, message: `Begins ${step}` });
    await beating(deps, context, { grip, row, step }, async ({ log, report, signal }) => {
      for (let number = 1; number <= entries; number++) {
        await log(`Entry ${number} of attempt ${context.info.attempt} of ${step}`);
        report(number / entries / 2, `${number} of ${entries} entries written`);
        await delay(pauseMs, undefined, { signal });
      }
    });
  });
}
