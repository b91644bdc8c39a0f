/** Processes that others have started. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Pids of the children of `parent`, and of theirs, whose command line has `text` in it. Zombies are not among them. */
export async function childrenOf(parent: number, text: string): Promise<number[]> {
  const rows = await processes();
  const within = (pid: number): boolean => {
    const row = rows.find((each) => each.pid === pid);
    return row !== undefined && (row.ppid === parent || within(row.ppid));
  };
  return rows.filter(({ pid, command }) => command.includes(text) && within(pid)).map(({ pid }) => pid);
}

/** Is there a process of this number that still runs? */
export async function isRunning(pid: number): Promise<boolean> {
  return (await processes()).some((each) => each.pid === pid);
}

async function processes(): Promise<{ pid: number; ppid: number; command: string }[]> {
  const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,ppid=,state=,args="], { maxBuffer: 2 ** 24 });
  return stdout.split("\n").flatMap((line) => {
    const [, pid, ppid, state, command = ""] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return state === undefined || state.startsWith("Z") ? [] : [{ pid: Number(pid), ppid: Number(ppid), command }];
  });
}
