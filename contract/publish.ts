/** The publish job: its input, its result, its steps. Never reorder or rename fields: histories hold them. */
import type { JobTypeDefinition } from "./job-type-definition.ts";

export const ENVIRONMENTS = ["dev", "staging", "production"] as const;

export type Environment = (typeof ENVIRONMENTS)[number];

/**
 * One step per activity, in order; `percent` is the job's progress once the step is done. The stall limits are ten times what the step goes
 * without a report on a slow disk; the largest single object bounds those of upload and verify.
 */
export const PUBLISH_STEPS = [
  { name: "validate", activity: "validate", label: "Validate the version", percent: 10, stall_seconds: 60 },
  {
    name: "generate_release",
    activity: "generateRelease",
    label: "Generate release.json",
    percent: 30,
    stall_seconds: 60,
  },
  { name: "upload", activity: "upload", label: "Upload release and tiles", percent: 50, stall_seconds: 120 },
  { name: "verify_tiles", activity: "verifyTiles", label: "Verify tiles", percent: 80, stall_seconds: 120 },
  { name: "mark_published", activity: "markPublished", label: "Mark published", percent: 100, stall_seconds: 60 },
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
  /** The version had a source picture and no tiles when the run was started: they are generated first. Absent in runs of before. */
  makes_tiles?: true;
}

/** Valid for one revision of the draft only. A step that is absent is run, and with it all that follow. */
export interface CarriedSteps {
  validate?: ValidatedVersion;
  generate_release?: GeneratedRelease;
  upload?: UploadedRelease;
  verify_tiles?: VerifiedTiles;
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

export const PUBLISH = {
  label: "Publish",
  description: "Turns a version into an immutable release and makes it the live one of an environment.",
  icon: "rocket",
  color: "blue",
  workflow: "publish",
  task_queue: "publish",
  resource: "version",
  resource_link: "/projects/{project}/versions/{version}",
  child_types: ["tile_generation"],
  uploads: [],
  steps: PUBLISH_STEPS,
  role: "admin",
  capabilities: { cancel: true, retry: true, throttled: null },
  timeout_seconds: 7 * 86_400,
  max_retries: 100,
  size_unit: "visible overlays and tiles",
  toasts: {
    completed: "{project} version {version} is live in {environment}",
    failed: "{project} version {version} was not published to {environment}",
  },
  payload: {
    type: "object",
    properties: {
      project: { type: "string", minLength: 1, description: "Slug" },
      version: { type: "integer", minimum: 1, maximum: 2_147_483_647 },
      target_environment: { enum: ENVIRONMENTS, default: "production" },
    },
    required: ["project", "version"],
    additionalProperties: false,
  },
  result: {
    type: "object",
    properties: {
      release_id: { type: "string" },
      release_url: { type: "string", description: "Path of what viewers load" },
      overlay_count: { type: "integer" },
      tile_count: { type: "integer" },
      digest: { type: "string", description: "SHA-256 of the content's canonical bytes, lower-case hex" },
      published_at: { type: "string", format: "date-time" },
    },
    required: ["release_id", "release_url", "overlay_count", "tile_count", "digest", "published_at"],
  },
} as const satisfies JobTypeDefinition;
