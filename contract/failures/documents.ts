/** Documents that cannot be made of what they are asked to be made of. */
import type { FailureDefinition } from "./definition.ts";

export const DOCUMENT_FAILURES = {
  specification_invalid: {
    status: 400,
    retryable: false,
    title: "Specification cannot be used",
    sentence: "{count} thing(s) in the document's specification are wrong; the first: {first}.",
    action: "Mend what `errors` lists and start a new job; docs/documents.md has the blocks.",
  },
  document_too_large: {
    status: 413,
    retryable: false,
    title: "Document too large",
    sentence: "The document has {what}, more than {limit}.",
    action: "Ask for less, or for several documents; overlays of a version belong into a table with `source`.",
  },
  document_not_rendered: {
    status: 422,
    retryable: false,
    title: "Document could not be rendered",
    sentence: "The {format} could not be made: {reason}.",
    action: "Ask for less at once, or for another format.",
  },
  code_failed: {
    status: 400,
    retryable: false,
    title: "Code failed",
    sentence: "The code failed at line {line}, column {column}: {reason}.",
    action: "Mend the code and start a new job; `errors` has the place.",
  },
  code_limit: {
    status: 400,
    retryable: false,
    title: "Code ran into a limit",
    sentence: "The code was ended: {reason}.",
    action:
      "It may run {seconds} s and take {bytes} bytes of memory; do less, or take overlays from a table with `source`.",
  },
  not_released: {
    status: 409,
    retryable: false,
    title: "Version is not released",
    sentence: "There is no release to report on: {reason}.",
    action: "Publish the version first, then retry.",
  },
} as const satisfies Record<string, FailureDefinition>;
