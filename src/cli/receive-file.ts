/** Receives a file: checked, in place only when all of it is there, and gone on with where a connection broke. */
import { createHash, type Hash } from "node:crypto";
import { open, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { printable } from "../../contract/printable.ts";
import { reasonOf } from "../errors.ts";
import { unreachable } from "../client/platen-error.ts";
import { CliError, toCliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import type { Server } from "./server.ts";

export interface FileToReceive {
  server: Server;
  /** Of the bytes, at the server. */
  path: string;
  artifact: { size: number; sha256: string };
  target: { file: string; force: boolean } | { stream: NodeJS.WritableStream };
  signal: AbortSignal;
}

/** Broken connections that are gone on from, without a byte in between. */
const MAX_BREAKS = 5;

/** Errors: CliError (`file_exists`, `file_not_written`, `damaged`, and what the server says). A file that is not whole is removed. */
export async function receiveFile(order: FileToReceive): Promise<void> {
  const { target } = order;
  if ("stream" in target) {
    return receive(order, async (bytes) => {
      if (!target.stream.write(bytes)) await new Promise((resolve) => target.stream.once("drain", resolve));
    });
  }
  const { file, force } = target;
  const existing = async (): Promise<boolean> => !force && (await stat(file).catch(() => null)) !== null;
  if (await existing()) throw exists(file);
  const part = join(dirname(file), `.platen-${process.pid}-${order.artifact.sha256.slice(0, 12)}.part`);
  let handle: FileHandle | undefined;
  try {
    handle = await writing(file, () => open(part, "w"));
    const opened = handle;
    await receive(order, (bytes) => writing(file, async () => void (await opened.write(bytes))));
    await writing(file, () => opened.sync());
    if (await existing()) throw exists(file);
    await writing(file, () => rename(part, file));
  } finally {
    await handle?.close();
    await rm(part, { force: true });
  }
}

async function writing<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new CliError(EXIT.refused, "file_not_written", `${printable(file)} cannot be written: ${reasonOf(error)}.`);
  }
}

const exists = (file: string): CliError =>
  new CliError(EXIT.refused, "file_exists", `${printable(file)} is there already.`, {
    lines: ["Name another with -o, or replace it with --force."],
  });

async function receive(order: FileToReceive, write: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  const { server, path, artifact, signal } = order;
  const hash = createHash("sha256");
  let received = 0;
  for (let breaks = 0; received < artifact.size || received === 0;) {
    // What has come is gone on from only if the file is the same still.
    const headers = received === 0 ? {} : { range: `bytes=${received}-`, "if-range": `"${artifact.sha256}"` };
    const answer = await server.request("GET", path, { headers: { accept: "*/*", ...headers }, retries: 3 });
    if (received > 0 && answer.status !== 206) throw damaged(artifact, "it changed while it was received");
    const before = received;
    try {
      received += await readAll(answer, hash, write);
    } catch (error) {
      if (signal.aborted || error instanceof CliError) throw error;
      received += (error as { received?: number }).received ?? 0;
      breaks = received > before ? 1 : breaks + 1;
      if (breaks > MAX_BREAKS) throw toCliError(unreachable(server.url, error));
      continue;
    }
    break;
  }
  const found = hash.digest("hex");
  if (received !== artifact.size || found !== artifact.sha256) {
    throw damaged(artifact, `${received} bytes came, with the SHA-256 ${found}`);
  }
}

/** Answers how many bytes came; so does the error, as `received`, of a connection that broke. */
async function readAll(answer: Response, hash: Hash, write: (bytes: Uint8Array) => Promise<void>): Promise<number> {
  let received = 0;
  const reader = answer.body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read().catch((error: unknown) => {
      throw Object.assign(new Error(reasonOf(error), { cause: error }), { received });
    })) ?? { done: true };
    if (done) return received;
    hash.update(value);
    await write(value);
    received += value.byteLength;
  }
}

const damaged = ({ size, sha256 }: FileToReceive["artifact"], how: string): CliError =>
  new CliError(EXIT.refused, "damaged", `The file should have ${size} bytes and the SHA-256 ${sha256}: ${how}.`, {
    lines: ["Try again; if it stays so, the object in the store is damaged: retry the job that made it."],
  });
