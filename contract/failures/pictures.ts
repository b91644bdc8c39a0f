/** Source pictures, and the tiles that are cut from them. */
import type { FailureDefinition } from "./definition.ts";

export const PICTURE_FAILURES = {
  picture_missing: {
    status: 404,
    retryable: false,
    title: "No source picture",
    sentence: "Version {version} of {project} has no source picture.",
    action: "PUT /projects/{project}/versions/{version}/source sends one, as `platen source` does.",
  },
  picture_unreadable: {
    status: 400,
    retryable: false,
    title: "Picture cannot be read",
    sentence: "The picture cannot be read: {reason}.",
    action: "Save it again as PNG, JPEG, WebP, TIFF or SVG, and send that.",
  },
  picture_too_large: {
    status: 413,
    retryable: false,
    title: "Picture is too large",
    sentence: "The picture is too large: {reason}.",
    action: "Send a smaller one, or let PLATEN_MAX_PICTURE_PIXELS allow for it.",
  },
  picture_timeout: {
    status: 422,
    retryable: false,
    title: "Picture takes too long",
    sentence: "The picture was given up after {seconds} s, while it was {doing}.",
    action:
      "Simplify it (filters and patterns within each other take longest), or let PLATEN_PICTURE_SECONDS allow for it.",
  },
  picture_memory: {
    status: 422,
    retryable: false,
    title: "Picture takes too much memory",
    sentence:
      "The picture was given up while it was {doing}: that took {used} MB of memory, and {limit} MB are allowed.",
    action:
      "Save it without interlacing (a progressive JPEG, an interlaced PNG and WebP are held whole), or let PLATEN_PICTURE_MEMORY_MB allow for it.",
  },
  picture_replaced: {
    status: 409,
    retryable: false,
    title: "Source picture was replaced",
    sentence: "The source picture of version {version} of {project} was replaced or removed while its tiles were cut.",
    action: "Start the job again: it cuts the picture that is there now. The draft's tiles are what they were.",
  },
} as const satisfies Record<string, FailureDefinition>;
