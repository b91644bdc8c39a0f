/**
 * What runs in the threads of `folder-threads.ts`: many small files per call, with synchronous calls. A tile of some kilobytes costs
 * 12 µs to read and hash that way; with a promise around each system call it is ten times as much, and on the thread that has the
 * heartbeats to send.
 */
import { createHash, hash, randomUUID, type Hash } from "node:crypto";
import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { digestKey } from "./keys.ts";
import type { ObjectFault, TakenFile } from "./object-store.ts";

/** A file, and what it must be. */
export interface PromisedFile {
  path: string;
  size: number;
  sha256: string;
}

export interface CopyTask {
  /** Folder for half-written files, in the same file system as the destinations. */
  staging: string;
  files: readonly { from: string; to: PromisedFile }[];
  /** Not zero: stop before the next file. */
  aborted: Int32Array;
}

export interface InspectTask {
  files: readonly PromisedFile[];
  read: "sizes" | "bytes";
  aborted: Int32Array;
}

export interface TakeTask {
  /** Where the files go: `{folder}/{first two of the digest}/{digest}`. */
  folder: string;
  /** Folder for half-written files, in the same file system as `folder`. */
  staging: string;
  /** Paths. */
  files: readonly string[];
  aborted: Int32Array;
}

/** An error of the file system in words that pass from thread to thread. */
export interface ThreadFailure {
  path: string;
  error: { message: string; code: string | undefined; errno: number | undefined; syscall: string | undefined };
}

export type CopyAnswer = ("copied" | "kept" | ObjectFault)[] | ThreadFailure;
export type TakeAnswer = TakenFile[] | ThreadFailure;
export type InspectAnswer = { faults: (ObjectFault | null)[]; seal: string } | ThreadFailure;

/** Bytes that a thread keeps for reading. Almost every tile fits, and is then known to be whole before anything is written. */
const BUFFER = Buffer.allocUnsafeSlow(1 << 20);

/** Stops early, with fewer answers than files, when it is aborted. */
export function copy({ staging, files, aborted }: CopyTask): CopyAnswer {
  return each(
    files,
    aborted,
    ({ to }) => to.path,
    ({ from, to }) => copyFile(staging, from, to),
  );
}

/** Stops early like `copy`. */
export function take({ folder, staging, files, aborted }: TakeTask): TakeAnswer {
  return each(files, aborted, String, (path) => takeFile(folder, staging, path));
}

/** Stops early like `copy`. */
export function inspect({ files, read, aborted }: InspectTask): InspectAnswer {
  const seal = createHash("sha256");
  const faults = each(
    files,
    aborted,
    ({ path }) => path,
    (file) => inspectFile(file, read, seal),
  );
  return Array.isArray(faults) ? { faults, seal: seal.digest("hex") } : faults;
}

/** Lets each file, and the folders up to `root` that lead to it, survive a power cut. */
export function flush({ root, paths }: { root: string; paths: readonly string[] }): null | ThreadFailure {
  const folders = new Set<string>();
  const done = each(paths, new Int32Array(1), String, (path) => {
    sync(path);
    for (let at = dirname(path); at.length >= root.length && !folders.has(at); at = dirname(at)) folders.add(at);
  });
  const last = Array.isArray(done) ? each([...folders], new Int32Array(1), String, sync) : done;
  return Array.isArray(last) ? null : last;
}

function sync(path: string): void {
  withFile(path, "r", (file) => fs.fsyncSync(file));
}

function each<T, R>(
  items: readonly T[],
  aborted: Int32Array,
  pathOf: (item: T) => string,
  work: (item: T) => R,
): R[] | ThreadFailure {
  const results: R[] = [];
  for (const item of items) {
    if (Atomics.load(aborted, 0) !== 0) break;
    try {
      results.push(work(item));
    } catch (error) {
      const { message, code, errno, syscall } = error as NodeJS.ErrnoException;
      return { path: pathOf(item), error: { message, code, errno, syscall } };
    }
  }
  return results;
}

function copyFile(staging: string, from: string, to: PromisedFile): "copied" | "kept" | ObjectFault {
  const there = fs.statSync(to.path, { throwIfNoEntry: false });
  if (there?.isFile() && there.size === to.size) return "kept";
  return (
    reading(from, (source, info) => {
      if (info.size !== to.size) return { kind: "size", size: info.size };
      const staged = join(staging, randomUUID());
      try {
        if (!fill(staged, source, to)) return { kind: "digest" };
        inFolder(dirname(to.path), () => fs.renameSync(staged, to.path));
        return "copied";
      } catch (error) {
        fs.rmSync(staged, { force: true });
        throw error;
      }
    }) ?? { kind: "absent" }
  );
}

function takeFile(folder: string, staging: string, path: string): TakenFile {
  const { size, sha256 } = withFile(path, "r", (file) => {
    const { size } = fs.fstatSync(file);
    return { size, sha256: digestOf(file, size) };
  });
  const to = join(folder, digestKey("", sha256));
  const there = fs.statSync(to, { throwIfNoEntry: false });
  // Renamed over what is there, whose bytes nobody has looked at: what a power cut tore may have its length, and is mended by cutting again. And
  // it is as young as it is: a clean-up that goes by age sees that it is wanted again.
  inFolder(dirname(to), () => moveFile(path, to, staging));
  return { size, sha256, put: !(there?.isFile() && there.size === size) };
}

/** By its name where that is possible; what comes from another file system is copied. */
function moveFile(from: string, to: string, staging: string): void {
  try {
    fs.renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    const staged = join(staging, randomUUID());
    inFolder(staging, () => fs.copyFileSync(from, staged));
    fs.renameSync(staged, to);
  }
}

/** Writes the file if the source's bytes are the promised ones; a large one is read and written piece by piece, and removed if not. */
function fill(staged: string, source: number, { size, sha256 }: PromisedFile): boolean {
  if (size <= BUFFER.byteLength) {
    const bytes = BUFFER.subarray(0, readFull(source));
    if (bytes.byteLength !== size || hash("sha256", bytes) !== sha256) return false;
    create(staged, (file) => writeFull(file, bytes));
    return true;
  }
  const digest = createHash("sha256");
  create(staged, (file) => {
    for (let bytes = readFull(source); bytes > 0; bytes = readFull(source)) {
      digest.update(BUFFER.subarray(0, bytes));
      writeFull(file, BUFFER.subarray(0, bytes));
    }
  });
  if (digest.digest("hex") === sha256) return true;
  fs.rmSync(staged);
  return false;
}

function inspectFile({ path, size, sha256 }: PromisedFile, read: "sizes" | "bytes", seal: Hash): ObjectFault | null {
  const note = ({ ino, size, mtimeMs, ctimeMs }: fs.Stats): void =>
    void seal.update(`${path}\t${ino}\t${size}\t${mtimeMs}\t${ctimeMs}\n`);
  if (read === "sizes") {
    const info = fs.statSync(path, { throwIfNoEntry: false });
    if (!info?.isFile()) return { kind: "absent" };
    note(info);
    return info.size === size ? null : { kind: "size", size: info.size };
  }
  // Noted before it is read: what is written meanwhile changes the next seal.
  const fault = reading<ObjectFault | "whole">(path, (file, info) => {
    note(info);
    if (info.size !== size) return { kind: "size", size: info.size };
    return digestOf(file, size) === sha256 ? "whole" : { kind: "digest" };
  });
  return fault === "whole" ? null : (fault ?? { kind: "absent" });
}

function digestOf(file: number, size: number): string {
  if (size <= BUFFER.byteLength) return hash("sha256", BUFFER.subarray(0, readFull(file)));
  const digest = createHash("sha256");
  for (let bytes = readFull(file); bytes > 0; bytes = readFull(file)) digest.update(BUFFER.subarray(0, bytes));
  return digest.digest("hex");
}

/** Null when there is no such file; what is no file is none. */
function reading<R>(path: string, work: (file: number, info: fs.Stats) => R): R | null {
  try {
    return withFile(path, "r", (file) => {
      const info = fs.fstatSync(file);
      return info.isFile() ? work(file, info) : null;
    });
  } catch (error) {
    if (isMissing(error) && (error as NodeJS.ErrnoException).path === path) return null;
    throw error;
  }
}

function create(path: string, work: (file: number) => void): void {
  inFolder(dirname(path), () => withFile(path, "wx", work));
}

/** Runs `work` again after making `folder`, when that was what it lacked. */
function inFolder(folder: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!isMissing(error)) throw error;
    fs.mkdirSync(folder, { recursive: true });
    work();
  }
}

function withFile<R>(path: string, flags: "r" | "wx", work: (file: number) => R): R {
  const file = fs.openSync(path, flags);
  try {
    return work(file);
  } finally {
    fs.closeSync(file);
  }
}

/** Fills the buffer from where the file stands, less only at its end; answers the bytes. */
function readFull(file: number): number {
  let bytes = 0;
  for (let more = 1; more > 0 && bytes < BUFFER.byteLength; bytes += more)
    more = fs.readSync(file, BUFFER, bytes, BUFFER.byteLength - bytes, null);
  return bytes;
}

function writeFull(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.byteLength;) at += fs.writeSync(file, bytes, at);
}

const isMissing = (error: unknown): boolean =>
  ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
