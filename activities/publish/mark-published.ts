/**
 * Step 5, three parts, each safe to run twice: switch in PostgreSQL, project the pointer into the store, write the final state.
 * A job is completed only when a viewer gets the new release.
 */
import type { PublishResult } from "../../contract/publish.ts";
import { finishJob } from "../../src/jobs/protocol/finish.ts";
import { publishTarget } from "../../src/jobs/protocol/attempt.ts";
import { projectSwitched } from "../../src/jobs/protocol/project.ts";
import { switchRelease } from "../../src/jobs/protocol/switch.ts";
import { AppError } from "../../src/errors.ts";
import { holdPublicObjects } from "./hold-objects.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import { beating } from "../beating.ts";
import { enter } from "../enter.ts";
import { guarded } from "../guarded.ts";
import type { AfterGenerate } from "./step-input.ts";

/** Errors: guard_lost, version_changed, release_invalid, upload_outlived (all before the switch); after it only what is retried. */
export async function markPublished(deps: ActivityDeps, input: AfterGenerate): Promise<PublishResult> {
  const { target, validated, generated } = input;
  const patience = { endless: false };
  return guarded(async (context) => {
    const begins = `Switching ${target.environment} to ${validated.release_id}`;
    const { grip, row } = await enter(deps, context, input, { step: "mark_published", message: begins });
    return beating(deps, context, { grip, row, step: "mark_published" }, async (tools) => {
      tools.signal.throwIfAborted();
      // A run that an operator has reset to this step, long after its job had ended: what it had uploaded was anybody's to remove.
      const { held } = await holdPublicObjects(deps, input, row, tools.signal);
      if (!held && row.switched_at === null) throw new AppError("upload_outlived");
      const { epoch } = await switchRelease(deps, grip, { ...validated, ...generated });
      // The point of no return: from here a cancel is not listened to, and nothing is given up.
      patience.endless = true;
      tools.report(0.5, `Writing the pointer of ${target.environment}, epoch ${epoch}`);
      const done = await projectSwitched(deps, { ...publishTarget(row), epoch });
      await finishJob(deps, grip, done);
      return done.result;
    });
  }, patience);
}
