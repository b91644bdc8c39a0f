/** The maintenance job: what has outlived its use is removed, by task. Never reorder or rename fields: histories hold them. */
import type { JobTypeDefinition } from "./job-type-definition.ts";

export const MAINTENANCE_STEPS = [
  { name: "sweep", activity: "sweep", label: "Remove what has expired", percent: 100, stall_seconds: 120 },
] as const;

export interface MaintenancePayload {
  /** Only count what would be removed. */
  dry_run?: boolean;
}

export interface MaintenanceResult {
  dry_run: boolean;
  /** Removed, or to be removed, by task. */
  removed: Record<string, number>;
  /** Artifact (NDJSON): what it was, a line each; null for nothing. */
  report: string | null;
}

export const MAINTENANCE = {
  label: "Maintenance",
  description: "Removes what has outlived its use, and reports what it was.",
  icon: "broom",
  color: "slate",
  workflow: "maintenance",
  task_queue: "maintenance",
  resource: "tenant",
  resource_link: null,
  child_types: [],
  uploads: [],
  steps: MAINTENANCE_STEPS,
  role: "admin",
  capabilities: { cancel: true, retry: true, throttled: 1 },
  timeout_seconds: 86_400,
  max_retries: 3,
  size_unit: null,
  toasts: { completed: "Maintenance is done", failed: "Maintenance was not finished" },
  payload: {
    type: "object",
    properties: { dry_run: { type: "boolean", default: false, description: "Only count what would be removed" } },
    additionalProperties: false,
  },
  result: {
    type: "object",
    properties: {
      dry_run: { type: "boolean" },
      removed: { type: "object", additionalProperties: { type: "integer" }, description: "Count by task" },
      report: { type: ["string", "null"], description: "Artifact: what it was, a line each (NDJSON)" },
    },
    required: ["dry_run", "removed"],
  },
} as const satisfies JobTypeDefinition;
