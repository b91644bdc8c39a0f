/** Registry of activities: file = function = Temporal's name, unique over all jobs. */
import type { AfterGenerate, AfterValidate, PublishStepInput } from "./publish/step-input.ts";
import { generateRelease } from "./publish/generate-release.ts";
import { markPublished } from "./publish/mark-published.ts";
import { settle, type SettleInput } from "./publish/settle.ts";
import { upload } from "./publish/upload.ts";
import { validate } from "./publish/validate.ts";
import { verifyTiles } from "./publish/verify-tiles.ts";
import type { ActivityDeps } from "./steps.ts";

/** Only `src/worker` calls this. */
export function createActivities(deps: ActivityDeps) {
  return {
    validate: (input: PublishStepInput) => validate(deps, input),
    generateRelease: (input: AfterValidate) => generateRelease(deps, input),
    upload: (input: AfterGenerate) => upload(deps, input),
    verifyTiles: (input: AfterGenerate) => verifyTiles(deps, input),
    markPublished: (input: AfterGenerate) => markPublished(deps, input),
    settle: (input: SettleInput) => settle(deps, input),
  };
}

export type Activities = ReturnType<typeof createActivities>;
