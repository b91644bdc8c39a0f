/** What each activity of a publish is called with. */
import type { GeneratedRelease, JobContext, PublishInput, ValidatedVersion } from "../../contract/publish.ts";

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
