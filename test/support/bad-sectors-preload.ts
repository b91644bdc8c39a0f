/** Loaded into a worker and its threads: reading a file that the store's list `bad-sectors` names fails with EIO. */
import fs from "node:fs";
import { open } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { readConfig } from "../../src/config.ts";

const list = join(readConfig().PLATEN_STORE_FOLDER, "bad-sectors");

function refuse(file: number): void {
  if (!fs.existsSync(list)) return;
  const path = fs.readlinkSync(`/proc/self/fd/${file}`);
  if (!fs.readFileSync(list, "utf8").split("\n").includes(path)) return;
  throw Object.assign(new Error("EIO: i/o error, read"), { code: "EIO", errno: -5, syscall: "read" });
}

const { readSync } = fs;
fs.readSync = ((file: number, ...rest: [NodeJS.ArrayBufferView]) => {
  refuse(file);
  return readSync(file, ...rest);
}) as typeof fs.readSync;
syncBuiltinESMExports();

const handle = await open("/dev/null");
const prototype = Object.getPrototypeOf(handle) as { read(this: { fd: number }, ...args: unknown[]): Promise<unknown> };
await handle.close();
const { read } = prototype;
prototype.read = async function (...args) {
  refuse(this.fd);
  return read.apply(this, args);
};
