/** Whose a port is, by what Linux tells of each process in /proc. */
import { readdir, readFile, readlink } from "node:fs/promises";

const LISTENING = "0A";

/** Whether the process listens on the port, by IPv4; null where that cannot be known. A process that has ended does not. */
export async function listensOn(pid: number, port: number): Promise<boolean | null> {
  if (process.platform !== "linux") return null;
  const own = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const table = await readFile(`/proc/${pid}/net/tcp`, "utf8").catch(() => "");
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const inodes = table.split("\n").flatMap((line) => {
    // sl, local_address, rem_address, st, tx_queue:rx_queue, tr:tm->when, retrnsmt, uid, timeout, inode (proc_pid_net(5)).
    const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
    return local.endsWith(wanted) && state === LISTENING ? [`socket:[${inode}]`] : [];
  });
  const open = await Promise.all(own.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => "")));
  return inodes.some((inode) => open.includes(inode));
}
