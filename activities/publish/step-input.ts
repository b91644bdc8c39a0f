/** What each activity of a publish is called with. */
import type { GeneratedRelease, PublishInput, ValidatedVersion } from "../../contract/publish.ts";
import type { JobContext } from "../../contract/job-input.ts";

export interface PublishStepInput {
  job: JobContext;
  target: Pick<PublishInput, "tenant" | "project" | "version" | "environment">;
}

export interface AfterValidate extends PublishStepInput {
  validated: ValidatedVersion;
}

export interface AfterGenerate extends AfterValidate {
  generated: GeneratedRelease;
}
