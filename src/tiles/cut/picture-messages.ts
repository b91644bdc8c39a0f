/** What the process that reads pictures is asked, and what it answers: a line of JSON each. */
import type { CutFormat } from "../../../contract/tile-generation.ts";
import type { PictureKind } from "./picture-kind.ts";

/** How tiles are cut. */
export interface CutPlan {
  /** Pixels. */
  tile_size: number;
  overlap: number;
  format: CutFormat;
  quality: number;
  /** `#rrggbb` behind what is transparent; null to leave it so, where the format can. */
  background: string | null;
  /** `dz` or, for XYZ with tiles that are all of one size, `google`. */
  layout: "dz" | "google";
}

export interface PictureRequest {
  /** Path of the file. */
  picture: string;
  /** Most pixels that it may have. */
  pixels: number;
  /** Absent: only measure it. */
  cut?: CutPlan & {
    /** Path: `{into}.dzi` and `{into}_files/` for `dz`, `{into}/` for `google`. */
    into: string;
  };
  /** Threads that libvips works in; they do not change a byte of what comes out. */
  threads: number;
  /** Folder that is removed when the process that asks has died. */
  scratch: string;
}

export interface PictureSize {
  kind: PictureKind;
  /** Pixels, as it is seen: a photo's own note how to turn it is obeyed. */
  width: number;
  height: number;
}

export type PictureAnswer =
  | { ok: PictureSize }
  | {
      /** `reason`: a clause without its full stop. `full`: the disk has no more room. */
      failed: "unreadable" | "too_large" | "full";
      reason: string;
    };
