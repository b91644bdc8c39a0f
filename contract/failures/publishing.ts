/** What ends a publish before its switch, and what keeps it waiting. */
import type { FailureDefinition } from "./definition.ts";

export const PUBLISHING_FAILURES = {
  version_invalid: {
    status: 422,
    retryable: false,
    title: "Version cannot be published",
    sentence: "The version has {count} problem(s); the first: {first}.",
    action: "Mend what `errors` lists, then publish again.",
  },
  version_changed: {
    status: 409,
    retryable: false,
    title: "Version changed while it was published",
    sentence: "The draft was edited after it was validated (revision {validated}, now {current}).",
    action: "Publish again.",
  },
  release_invalid: {
    status: 500,
    retryable: false,
    title: "Generated release does not match its schema",
    sentence: "The generated document breaks the release schema at {path}: {reason}.",
    action: "Report it with the job id; the live release is untouched.",
  },
  guard_lost: {
    status: 409,
    retryable: false,
    title: "Another publish took over",
    sentence: "Job {holder} holds the right to publish this project to {environment}.",
    action: "Wait for that job, then retry.",
  },
  tiles_damaged: {
    status: 500,
    retryable: false,
    title: "Tiles are missing or damaged at the destination",
    sentence: "{count} tile(s) are missing or damaged; the first: {first}.",
    action: "Import the tiles again (`platen import --resend`; what is published, into a new version), then publish.",
  },
  source_tile_damaged: {
    status: 500,
    retryable: false,
    title: "An imported tile is missing or damaged",
    sentence: "The imported tile {key} is {what}.",
    action: "Import the tiles again (`platen import --resend`; what is published, into a new version), then publish.",
  },
  store_unavailable: {
    status: 503,
    retryable: true,
    title: "Object store unreachable",
    sentence: "The object store failed at {key}: {reason}.",
    action: "Mend the store; a publish goes on by itself.",
  },
  store_full: {
    status: 507,
    retryable: true,
    // Room is made by people: a try each quarter of a minute only fills it up with what is half written.
    retry: { initial_ms: 2_000, coefficient: 2, maximum_ms: 60_000 },
    title: "Object store is full",
    sentence: "The object store has no room for {key}: {reason}.",
    action: "Make room (`df -h` and `df -i` tell what is used up); a publish goes on by itself.",
  },
} as const satisfies Record<string, FailureDefinition>;
