/** What Linux knows of our TCP sockets. */
import { readFileSync } from "node:fs";

const LISTENING = "0A";

/** Connections of the server at `port` that a process still holds. One that it has closed is the kernel's until it is gone: not counted. */
export function heldConnections(port: number): number {
  const [, ...lines] = readFileSync("/proc/net/tcp", "utf8").trimEnd().split("\n");
  return lines.filter((line) => {
    const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
    return Number.parseInt(local.split(":")[1] ?? "", 16) === port && state !== LISTENING && inode !== "0";
  }).length;
}
