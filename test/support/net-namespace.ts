/**
 * A machine of its own on a cable that can be cut: a network namespace, joined to ours by a pair of virtual devices. Its programs end
 * with it, and it with us: it belongs to a shell that waits for our word.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";

export interface NetNamespace {
  /** Our address on the cable; what listens there can be reached from inside. */
  address: string;
  /** Runs a program inside. It is killed with the namespace. */
  spawn(command: string, args: string[]): ChildProcess;
  /** Takes the cable out, inside: nobody is told, no FIN, no RST; packets to either side go nowhere. */
  cut(): void;
  close(): Promise<void>;
}

/**
 * `ip`: the program's path. Null where namespaces are not allowed, as in most containers, which is said on the terminal. Errors: not
 * allowed, in CI.
 */
export function createNetNamespace(ip: string): NetNamespace | null {
  const id = randomBytes(4).toString("hex");
  // A device's name has 15 characters at most.
  const [name, ours, theirs] = [`platen-${id}`, `plo${id}`, `plt${id}`];
  // Of the block for benchmarks between networks (RFC 2544), of which no host is.
  const [first, second] = [...randomBytes(2)];
  const prefix = `198.${18 + (first! & 1)}.${second}`;
  const run = (...args: string[]): string | null => {
    const { status, stderr } = spawnSync(ip, args, { encoding: "utf8" });
    return status === 0 ? null : stderr;
  };
  const remove = (): void => {
    run("link", "delete", ours);
    run("netns", "delete", name);
  };
  const setUp = [
    ["netns", "add", name],
    ["link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", name],
    ["address", "add", `${prefix}.1/30`, "dev", ours],
    ["link", "set", ours, "up"],
    ["-n", name, "address", "add", `${prefix}.2/30`, "dev", theirs],
    ["-n", name, "link", "set", theirs, "up"],
  ];
  for (const args of setUp) {
    const fault = run(...args);
    if (fault === null) continue;
    remove();
    const reason = `this process may make no network namespace (${fault.trim()})`;
    if (process.env["CI"] === "true") throw new Error(reason);
    console.warn(`Tests of half-open connections are skipped: ${reason}.`);
    return null;
  }
  // However we end: it reads from us until we are gone.
  const guard = spawn("sh", ["-c", 'cat; "$0" link delete "$1"; "$0" netns delete "$2"', ip, ours, name], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.stdin.on("error", () => undefined);
  const gone = once(guard, "exit");
  const children = new Set<ChildProcess>();
  return {
    address: `${prefix}.1`,
    spawn(command, args) {
      const child = spawn(ip, ["netns", "exec", name, command, ...args], { stdio: ["ignore", "pipe", "inherit"] });
      children.add(child);
      return child;
    },
    cut() {
      const fault = run("-n", name, "link", "set", theirs, "down");
      if (fault !== null) throw new Error(`the cable stays: ${fault}`);
    },
    async close() {
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      guard.stdin.end();
      await gone;
    },
  };
}
