/** Overlays, tiles and folders that cannot be taken in. */
import type { FailureDefinition } from "./definition.ts";

export const IMPORT_FAILURES = {
  overlay_invalid: {
    status: 400,
    retryable: false,
    title: "Overlay cannot be read",
    sentence: "Overlay number {index} cannot be read: {reason}.",
    action: "Mend that feature and send the collection again; nothing was changed.",
  },
  tile_rejected: {
    status: 400,
    retryable: false,
    title: "Tile rejected",
    sentence: "The tile {key} was rejected: {reason}.",
    action: "Send the tile as the pyramid's descriptor calls for it.",
  },
  descriptor_invalid: {
    status: 400,
    retryable: false,
    title: "Tile descriptor cannot be read",
    sentence: "The DZI descriptor cannot be used: {reason}.",
    action: "Send the .dzi file that came with the tiles.",
  },
  folder_invalid: {
    status: 400,
    retryable: false,
    title: "Project folder cannot be used",
    sentence: "{path}: {reason}.",
    action: "docs/project-folder.md describes the format.",
  },
} as const satisfies Record<string, FailureDefinition>;
