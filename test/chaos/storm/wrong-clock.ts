/** A clock that is one hour ahead, by Debian's libfaketime, for processes of the product. Servers keep the true one. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { debianProgram } from "../../support/debian-program.ts";

const LIBRARIES = "/usr/lib";

/** Variables of such a process; null where it is not installed, which is said, and in CI is an error. */
export function oneHourAhead(): Record<string, string> | null {
  if (!debianProgram("faketime")) return null;
  const library = readdirSync(LIBRARIES)
    .filter((folder) => folder.endsWith("-linux-gnu"))
    .map((folder) => join(LIBRARIES, folder, "faketime", "libfaketimeMT.so.1"))[0];
  // Timers go by the clock that never jumps, as on a real machine whose time of day is wrong.
  return { LD_PRELOAD: library ?? "", FAKETIME: "+1h", FAKETIME_DONT_FAKE_MONOTONIC: "1", FAKETIME_NO_CACHE: "1" };
}
