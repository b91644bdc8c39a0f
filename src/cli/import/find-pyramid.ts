/** Where the pyramid of a project folder is: `NAME.dzi` beside `NAME_files`, as every Deep Zoom tool lays it out. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { foreignLayout } from "./foreign-layout.ts";
import { folderInvalid } from "./folder-invalid.ts";

export interface PyramidPlace {
  /** Path of the descriptor. */
  descriptor: string;
  /** Path of the folder of tiles. */
  tiles: string;
}

/** The name that counts where there are several. */
const OWN_NAME = "tiles.dzi";

/**
 * `tiles.dzi` if it is there, else the only descriptor of another name. A descriptor is `NAME.dzi`, or `NAME.xml` beside a
 * `NAME_files`, as Deep Zoom Composer wrote it. Errors: `folder_invalid`, where there is none or no telling which.
 */
export async function findPyramid(folder: string): Promise<PyramidPlace> {
  const names = await readdir(folder);
  const filesOf = (descriptor: string): string => `${descriptor.slice(0, descriptor.lastIndexOf("."))}_files`;
  const descriptors = names.filter(
    (name) => /^[^.].*\.dzi$/i.test(name) || (/^[^.].*\.xml$/i.test(name) && names.includes(filesOf(name))),
  );
  const [only, ...others] = descriptors.includes(OWN_NAME) ? [OWN_NAME] : descriptors.toSorted();
  if (!only) {
    const instead =
      (await foreignLayout(folder)) ?? "make it with `vips dzsave IMAGE tiles`, or with sharp's tile output";
    throw folderInvalid(join(folder, OWN_NAME), `it is missing; ${instead}`);
  }
  if (others.length > 0) {
    const list = [only, ...others].join(", ");
    throw folderInvalid(
      folder,
      `it has ${others.length + 1} pyramids: ${list}; leave one here, or name one ${OWN_NAME}`,
    );
  }
  return { descriptor: join(folder, only), tiles: join(folder, filesOf(only)) };
}
