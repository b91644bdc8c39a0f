/** What each activity of a bulk import is called with. */
import type { FetchedFile, ReadRows } from "../../contract/bulk-import.ts";
import type { StepInput } from "../../contract/job-input.ts";

export interface AfterFetch extends StepInput {
  file: FetchedFile;
}

export interface AfterRead extends AfterFetch {
  read: ReadRows;
}
