/**
 * Step 5, three parts, each safe to run twice: switch in PostgreSQL, project the pointer into the store, write the final state.
 * A job is completed only when a viewer gets the new release.
 */
import type { PublishResult } from "../../contract/publish.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { finishJob } from "../../src/jobs/protocol/finish.ts";
import { projectPointer } from "../../src/jobs/protocol/project.ts";
import { switchRelease } from "../../src/jobs/protocol/switch.ts";
import { publishResult } from "../../src/releases/release-document.ts";
import { attemptOf, beating, guarded, requireEntered, type ActivityDeps } from "../steps.ts";
import type { AfterGenerate } from "./step-input.ts";

/** Errors: guard_lost, version_changed, release_invalid (all before the switch); after it only what is retried. */
export async function markPublished(deps: ActivityDeps, input: AfterGenerate): Promise<PublishResult> {
  const { target, validated, generated } = input;
  return guarded(async (context) => {
    const begins = `Switching ${target.environment} to ${validated.release_id}`;
    const entered = await enterStep(deps, attemptOf(context, input.job), { step: "mark_published", message: begins });
    const { grip, row } = requireEntered(input.job, entered, target.environment);
    return beating(deps, context, { grip, row, step: "mark_published" }, async (tools) => {
      tools.signal.throwIfAborted();
      const { revision, release_id, published_at, overlay_count, tile_count } = validated;
      const { digest, tile_set_digest, bytes } = generated;
      const release = { release_id, published_at, revision, digest, tile_set_digest, bytes, overlay_count, tile_count };
      const { epoch } = await switchRelease(deps, grip, release);
      // The point of no return: from here a cancel is not listened to.
      tools.report(0.5, `Writing the pointer of ${target.environment}, epoch ${epoch}`);
      await projectPointer(deps, {
        project_id: row.project_id,
        project: target.project,
        environment: target.environment,
        epoch,
      });
      const result = publishResult(target, { id: release_id, overlay_count, tile_count, digest, published_at });
      await finishJob(deps, grip, result);
      return result;
    });
  });
}
