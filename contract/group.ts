/** The group: jobs that belong together, as a set, a chain or a graph. Never reorder or rename fields: histories hold them. */
import type { FinalStatus, JobStatus } from "./job-state.ts";
import type { JobTypeDefinition } from "./job-type-definition.ts";

/** One step, so that a retry begins where it must: with the members that have not come about. */
export const GROUP_STEPS = [
  { name: "run_members", activity: "runMembers", label: "Run the members", percent: 100, stall_seconds: 600 },
] as const;

export const MAX_MEMBERS = 1_000;

/** What happens to the rest when a member fails or is cancelled. */
export const ON_FAILURE = ["stop", "continue"] as const;

export type OnFailure = (typeof ON_FAILURE)[number];

/** How many members are in which state. One that waits for its turn is queued, one that will not have it any more is cancelled. */
export type MemberCounts = Record<JobStatus, number>;

/** A member as the group's result names it. */
export interface MemberOutcome {
  key: string;
  job_id: string;
  type: string;
  status: FinalStatus;
  /** Failure code, of a member that was not done. */
  code?: string;
  /** Path of its job; absent where none was made. */
  link?: string;
}

export interface GroupResult {
  counts: MemberCounts;
  /** The first hundred, those that were not done before the others. */
  members: MemberOutcome[];
  /** Path of all of them, page by page. */
  members_link: string;
}

/** What a group's row keeps of its payload: the members are rows of their own. */
export interface GroupPayload {
  on_failure: OnFailure;
  /** How many run at a time; absent: all that are due. */
  concurrency?: number;
  member_count: number;
}

const MEMBER = {
  type: "object",
  properties: {
    key: {
      type: "string",
      pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
      description: "Its name in the group: 1 to 64 letters, digits, dots, hyphens and underscores",
    },
    type: { type: "string", description: "Any job type but group" },
    payload: { type: "object", default: {}, description: "As POST /jobs takes it" },
    depends_on: {
      type: "array",
      items: { type: "string" },
      maxItems: MAX_MEMBERS,
      default: [],
      description: "Keys of members that must be done before it begins",
    },
    weight: { type: "number", minimum: 0, maximum: 1_000_000, default: 1, description: "Its share of the progress" },
    priority: { type: "integer", minimum: 1, maximum: 5, description: "1 first, 5 last; the group's by default" },
    title: { type: "string", minLength: 1, maxLength: 200, description: "What people call it" },
  },
  required: ["key", "type"],
  additionalProperties: false,
} as const;

export const GROUP = {
  label: "Group",
  description: "Runs up to 1,000 jobs as one: all at once, one after the other, or as they depend on each other.",
  icon: "workflow",
  color: "violet",
  workflow: "group",
  task_queue: "publish",
  resource: "tenant",
  resource_link: null,
  child_types: [],
  uploads: [],
  steps: GROUP_STEPS,
  role: "operator",
  capabilities: { cancel: true, retry: true, throttled: null },
  timeout_seconds: 7 * 86_400,
  max_retries: 100,
  size_unit: "members",
  toasts: { completed: "{title} is done", failed: "{title} was not done" },
  payload: {
    type: "object",
    properties: {
      members: { type: "array", items: MEMBER, minItems: 1, maxItems: MAX_MEMBERS },
      on_failure: {
        enum: ON_FAILURE,
        default: "stop",
        description:
          "stop: begin no more when one fails; those that run are left to end. continue: begin all but what depends on it",
      },
      concurrency: { type: "integer", minimum: 1, maximum: MAX_MEMBERS, description: "How many run at a time" },
    },
    required: ["members"],
    additionalProperties: false,
  },
  result: {
    type: "object",
    properties: {
      counts: { type: "object", additionalProperties: { type: "integer" }, description: "Members by state" },
      members: {
        type: "array",
        items: {
          type: "object",
          properties: {
            key: { type: "string" },
            job_id: { type: "string" },
            type: { type: "string" },
            status: { type: "string" },
            code: { type: "string" },
            link: { type: "string", description: "Path of its job" },
          },
        },
        description: "The first hundred, those that were not done before the others",
      },
      members_link: { type: "string", description: "Path of all of them" },
    },
    required: ["counts", "members", "members_link"],
  },
} as const satisfies JobTypeDefinition;
