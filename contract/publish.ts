/** The publish job: its input, its result, its steps. Never reorder or rename fields: histories hold them. */

export const ENVIRONMENTS = ["dev", "staging", "production"] as const;

export type Environment = (typeof ENVIRONMENTS)[number];

/**
 * One step per activity, in order; `percent` is the job's progress once the step is done. The stall limits are ten times what the step goes
 * without a report on a slow disk; the largest single object bounds those of upload and verify.
 */
export const PUBLISH_STEPS = [
  { name: "validate", label: "Validate the version", percent: 10, stall_seconds: 60 },
  { name: "generate_release", label: "Generate release.json", percent: 30, stall_seconds: 60 },
  { name: "upload", label: "Upload release and tiles", percent: 50, stall_seconds: 120 },
  { name: "verify_tiles", label: "Verify tiles", percent: 80, stall_seconds: 120 },
  { name: "mark_published", label: "Mark published", percent: 100, stall_seconds: 60 },
] as const;

/** What the workflow is started with. Ids only; documents and manifests travel by key and digest. */
export interface PublishInput {
  job_id: string;
  /** Generation of the job that this run was started for, from 1. */
  generation: number;
  tenant: string;
  project: string;
  version: number;
  environment: Environment;
  /** Name of the principal who asked for it, for the operator's eyes. */
  started_by: string;
  /** What finished steps yielded, for a retry that goes on behind them; absent: begin at the first. */
  carried?: CarriedSteps;
}

/** Valid for one revision of the draft only. A step that is absent is run, and with it all that follow. */
export interface CarriedSteps {
  validate?: ValidatedVersion;
  generate_release?: GeneratedRelease;
  upload?: UploadedRelease;
  verify_tiles?: VerifiedTiles;
}

/** What every activity of a publish is called with: whose work it is, and which run of it. */
export interface JobContext {
  job_id: string;
  /** The generation the *run* was started for; the row's may be higher after a reset. */
  generation: number;
  /** First run id of the chain: a run with another id came from a reset. Compared in the activity, never in workflow code. */
  first_run_id: string;
}

/** What `validate` found and reserved: fixed for every later attempt, reset and retry of this draft's revision. */
export interface ValidatedVersion {
  /** The draft's revision that was checked; the switch demands that it is unchanged. */
  revision: number;
  release_id: string;
  published_at: string;
  overlay_count: number;
  tile_count: number;
}

/** What `generateRelease` left in the private store. */
export interface GeneratedRelease {
  /** Key of the content (canonical JSON without header) in the private store. */
  content_key: string;
  /** SHA-256 of the content's canonical bytes, lower-case hex. */
  digest: string;
  bytes: number;
  /** Key of the frozen tile manifest (NDJSON) in the private store. */
  manifest_key: string;
  /** SHA-256 over the tile set's manifest, lower-case hex; names the public folder of the tiles. */
  tile_set_digest: string;
  /** The pyramid as it was when the content was generated: pixels, pixels, pixels, pixels, file extension. */
  tile_set: {
    width: number;
    height: number;
    tile_size: number;
    overlap: number;
    format: "jpg" | "jpeg" | "png" | "webp";
  };
}

export interface UploadedRelease {
  /** Objects written by this publish, and those that were there already. */
  uploaded: number;
  reused: number;
}

export interface VerifiedTiles {
  verified: number;
  /** Of them those that were damaged at the destination, and put again. */
  mended: number;
}

export interface PublishResult {
  release_id: string;
  /** `/{environment}/{project}/release.json` */
  release_url: string;
  overlay_count: number;
  tile_count: number;
  digest: string;
  published_at: string;
}

/** One thing wrong with a draft. `path` is a JSON pointer into the draft, e.g. `/overlays/plot-17/geometry`. */
export interface Problem {
  code: string;
  path: string;
  message: string;
  /** What was there, where that helps; long values are cut. */
  value?: unknown;
}
