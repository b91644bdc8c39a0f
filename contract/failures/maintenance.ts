/** Where maintenance and other work meet. */
import type { FailureDefinition } from "./definition.ts";

export const MAINTENANCE_FAILURES = {
  objects_being_removed: {
    status: 503,
    retryable: true,
    title: "A clean-up is removing these objects",
    sentence: "Objects under {prefix}, which nothing referred to, are being removed just now.",
    action: "It is tried again by itself as soon as they are gone; then they are written anew.",
  },
  upload_outlived: {
    status: 409,
    retryable: false,
    title: "What was uploaded may be gone",
    sentence: "The job ended so long ago that a clean-up may have removed what it had uploaded.",
    action: "Retry the job: it uploads again what is missing.",
  },
} as const satisfies Record<string, FailureDefinition>;
