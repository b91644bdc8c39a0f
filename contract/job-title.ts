/** What people call a job, in one line: in the Temporal Web UI, in messages, in lists. */
import type { JobInput } from "./job-input.ts";
import { JOB_TYPES, type JobType } from "./job-types.ts";

/** `title`: as the request has it; null for what type and target say, e.g. `harbour-town v3 → dev`. */
export function titleOf(
  type: JobType,
  title: string | null,
  { project, version, environment }: Pick<JobInput, "project" | "version" | "environment">,
): string {
  if (title !== null) return title;
  if (project === null) return JOB_TYPES[type].label;
  const place = version === null ? project : `${project} v${version}`;
  return environment === null ? `${JOB_TYPES[type].label} of ${place}` : `${place} → ${environment}`;
}
