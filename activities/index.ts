/** Registry of activities: file = function = Temporal's name, unique over all jobs. */
import type { StepInput } from "../contract/job-input.ts";
import { applyRows } from "./bulk-import/apply-rows.ts";
import { fetchFile } from "./bulk-import/fetch-file.ts";
import { readRows } from "./bulk-import/read-rows.ts";
import type { AfterFetch, AfterRead } from "./bulk-import/step-input.ts";
import type { AfterGenerate, AfterValidate, PublishStepInput } from "./publish/step-input.ts";
import { generateDocument } from "./document-generation/generate-document.ts";
import { generateRelease } from "./publish/generate-release.ts";
import { markPublished } from "./publish/mark-published.ts";
import { awaitPermit } from "./jobs/await-permit.ts";
import { cancelScheduledJob } from "./schedules/cancel-scheduled-job.ts";
import { lookAtScheduledJob } from "./schedules/look-at-scheduled-job.ts";
import { startScheduledJob, type StartScheduledJob } from "./schedules/start-scheduled-job.ts";
import { settle, type SettleInput } from "./jobs/settle.ts";
import { upload } from "./publish/upload.ts";
import { makeTiles } from "./publish/make-tiles.ts";
import { validate } from "./publish/validate.ts";
import { verifyTiles } from "./publish/verify-tiles.ts";
import { runMembers } from "./group/run-members.ts";
import type { MembersInput } from "../contract/members.ts";
import { importPlan } from "./svg-import/import-plan.ts";
import { sweep } from "./maintenance/sweep.ts";
import { attachTiles } from "./tile-generation/attach-tiles.ts";
import { generateTiles } from "./tile-generation/generate-tiles.ts";
import { measurePicture } from "./tile-generation/measure-picture.ts";
import type { AfterCut, AfterMeasure } from "./tile-generation/step-input.ts";
import type { ActivityDeps } from "./activity-deps.ts";

/** Only `src/worker` calls this. */
export function createActivities(deps: ActivityDeps) {
  return {
    validate: (input: PublishStepInput) => validate(deps, input),
    generateRelease: (input: AfterValidate) => generateRelease(deps, input),
    upload: (input: AfterGenerate) => upload(deps, input),
    verifyTiles: (input: AfterGenerate) => verifyTiles(deps, input),
    markPublished: (input: AfterGenerate) => markPublished(deps, input),
    makeTiles: (input: MembersInput) => makeTiles(deps, input),
    runMembers: (input: MembersInput) => runMembers(deps, input),
    importPlan: (input: StepInput) => importPlan(deps, input),
    fetchFile: (input: StepInput) => fetchFile(deps, input),
    readRows: (input: AfterFetch) => readRows(deps, input),
    applyRows: (input: AfterRead) => applyRows(deps, input),
    generateDocument: (input: StepInput) => generateDocument(deps, input),
    sweep: (input: StepInput) => sweep(deps, input),
    awaitPermit: (input: StepInput) => awaitPermit(deps, input),
    measurePicture: (input: StepInput) => measurePicture(deps, input),
    generateTiles: (input: AfterMeasure) => generateTiles(deps, input),
    attachTiles: (input: AfterCut) => attachTiles(deps, input),
    startScheduledJob: (input: StartScheduledJob) => startScheduledJob(deps, input),
    lookAtScheduledJob: (input: { job_id: string }) => lookAtScheduledJob(deps, input),
    cancelScheduledJob: (input: { job_id: string; schedule_id: string }) => cancelScheduledJob(deps, input),
    settle: (input: SettleInput) => settle(deps, input),
  };
}

export type Activities = ReturnType<typeof createActivities>;
