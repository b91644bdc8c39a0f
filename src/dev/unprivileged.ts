/** Running PostgreSQL when we are root: it refuses to, so it gets a user of its own. */
import { spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { chown } from "node:fs/promises";
import { dirname } from "node:path";

export interface Unprivileged {
  /** The command that runs `command` with little right; as it is when we are not root. */
  wrap(command: string, args: string[]): { command: string; args: string[] };
  /** Gives a file or folder (not what is in it) to that user. */
  own(path: string): Promise<void>;
}

/** `paths`: what the user must be able to reach. Errors: root without any lesser user. */
export function unprivileged(paths: string[]): Unprivileged {
  if (process.getuid?.() !== 0) return { wrap: (command, args) => ({ command, args }), own: async () => {} };
  const user = lesserUser();
  // A clone below /root (mode 700) cannot be entered by another user, and postgres asks access(2), which forgets
  // capabilities unless no_setuid_fixup is set. So the process keeps one right, to enter folders, and no other.
  const rights = paths.every(reachable) ? "-all" : "-all,+dac_override";
  return {
    wrap: (command, args) => ({
      command: "setpriv",
      args: [
        ...[`--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups"],
        ...(rights === "-all" ? [] : ["--securebits=+no_setuid_fixup"]),
        ...[`--inh-caps=${rights}`, `--ambient-caps=${rights}`, `--bounding-set=${rights}`],
        ...["--", command, ...args],
      ],
    }),
    own: (path) => chown(path, user.uid, user.gid),
  };
}

/** Debian's packages make `postgres`; every Linux has `nobody`. */
function lesserUser(): { uid: number; gid: number } {
  const lines = readFileSync("/etc/passwd", "utf8").split("\n");
  for (const name of ["postgres", "nobody"]) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${name}:`))?.split(":") ?? [];
    if (uid && gid && spawnSync("setpriv", ["--version"]).status === 0) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(
    "PostgreSQL does not run as root, and this machine has no `setpriv` with a user `postgres` or `nobody` to give it: run this as an ordinary user.",
  );
}

function reachable(path: string): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}
