/** What runs and activities of every job type are started with. Never reorder or rename fields: histories hold them. */
import type { Environment } from "./publish.ts";

/** What a workflow is started with. Ids only: the payload is in the job's row, documents and manifests travel by key and digest. */
export interface JobInput {
  job_id: string;
  /** Generation of the job that this run was started for, from 1. */
  generation: number;
  tenant: string;
  /** Slug; null for a job that is about no project. */
  project: string | null;
  version: number | null;
  environment: Environment | null;
  /** Name of the principal who asked for it, for the operator's eyes. */
  started_by: string;
  /** What finished steps yielded, by name, for a retry that goes on behind them; absent: begin at the first. */
  carried?: object;
  /** Number of the run in a chain that continued as new, from 0; absent: 0. */
  segment?: number;
  /** Of a publish: see `PublishInput`. */
  makes_tiles?: true;
}

/** What every activity of a job is called with: whose work it is, and which run of it. */
export interface JobContext {
  job_id: string;
  /** The generation the *run* was started for; the row's may be higher after a reset. */
  generation: number;
  /** First run id of the chain: a run with another id came from a reset. Compared in the activity, never in workflow code. */
  first_run_id: string;
  /** See `JobInput`. */
  segment?: number;
}

/** What an activity is called with that needs no more than the job: the rest is in its row. */
export interface StepInput {
  job: JobContext;
  target: JobTarget;
}

/** What the job is about, for messages. */
export interface JobTarget {
  tenant: string;
  project: string | null;
  version: number | null;
  environment: Environment | null;
}
