/**
 * `node test/foreign/record-fixtures.ts`: cuts every fixture anew with the vips of this machine (Debian: apt-get install libvips-tools).
 * Those that are there were cut by vips 8.14.1.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cutWithVips, PUBLISHED, REFUSED } from "./cuts.ts";
import { FIXTURES } from "./foreign-folder.ts";

const folder = await mkdtemp(join(tmpdir(), "platen-pictures-"));
await rm(FIXTURES, { recursive: true, force: true });
for (const cut of [...PUBLISHED, ...REFUSED])
  await cutWithVips(cut, join(FIXTURES, cut.name), join(folder, "picture.png"));
await rm(folder, { recursive: true });
