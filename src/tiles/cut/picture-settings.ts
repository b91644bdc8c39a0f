/** What the reading of a picture may take, by the configuration. */
import { join } from "node:path";
import type { Config } from "../../config.ts";

export interface PictureSettings {
  /** Folder for what is thrown away; made when it is needed. */
  scratch: string;
  /** Most pixels of a picture. */
  pixels: number;
  /** Longest time of one reading. */
  seconds: number;
  /** Most memory of the process that reads, in MB. */
  memory_mb: number;
}

/** Beside the stores by default: what has been cut is then moved into them, not copied. */
export function pictureSettings(config: Config): PictureSettings {
  return {
    scratch: config.PLATEN_SCRATCH_FOLDER ?? join(config.PLATEN_STORE_FOLDER, "scratch"),
    pixels: config.PLATEN_MAX_PICTURE_PIXELS,
    seconds: config.PLATEN_PICTURE_SECONDS,
    memory_mb: config.PLATEN_PICTURE_MEMORY_MB,
  };
}
