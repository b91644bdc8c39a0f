/**
 * A file behind a URL, as a stream of its bytes. What a server can do wrong ends it with a code of its own; a line that breaks is taken
 * up where it broke, if the server tells for certain that the file is still the same.
 */
import type { IncomingMessage } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { AppError } from "../errors.ts";
import { follow, type FollowOptions, type Found } from "./follow.ts";
import { maskUrl } from "./mask-url.ts";
import { createPatience } from "./patience.ts";

export interface DownloadOptions extends Pick<FollowOptions, "allow" | "resolve" | "signal"> {
  /** Bytes at most. */
  bytes: number;
  /** Longest pause, in seconds. */
  idleSeconds: number;
  /** In all, in seconds. */
  totalSeconds: number;
  /** Milliseconds before each further try to get an answer at all; by default two, in some seconds. */
  pauses?: readonly number[];
}

export interface Download {
  /** What the server or the path calls the file; made by nobody we know. */
  name: string;
  /** Bytes, where the server tells. */
  size: number | null;
  chunks: AsyncGenerator<Buffer, void, undefined>;
}

const PAUSES_MS = [1_000, 3_000];
/** Breaks of the line that are mended. */
const MAX_RESUMES = 5;
/** Answers that may be others in a moment. */
const BUSY = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * Errors, of the download and of its chunks: `url_refused`, `url_unreachable`, `url_answered`, `url_redirects`, `url_too_large`,
 * `url_too_slow`, `url_broke_off`, `url_changed`; the signal's reason. Close `chunks` if they are not read to their end.
 */
export async function openDownload(url: string, options: DownloadOptions): Promise<Download> {
  const found = await persevere(url, options);
  const told = maskUrl(found.url);
  const size = lengthOf(found.answer);
  if (size !== null && size > options.bytes) {
    found.answer.destroy();
    throw new AppError("url_too_large", { url: told, limit: options.bytes, told: `its Content-Length is ${size}` });
  }
  return { name: nameOf(found), size, chunks: read(found, size, options) };
}

/** Tries again what is busy or away: for seconds, while somebody waits for it to say that the address is wrong. */
async function persevere(url: string, options: DownloadOptions): Promise<Found> {
  const pauses = options.pauses ?? PAUSES_MS;
  for (let tries = 1; ; tries += 1) {
    const last = tries > pauses.length;
    try {
      const found = await follow(url, {}, { ...options, headMs: options.idleSeconds * 1_000 });
      const status = found.answer.statusCode ?? 0;
      if (status === 200 && isPlain(found.answer)) return found;
      found.answer.destroy();
      if (last || !BUSY.has(status))
        throw new AppError("url_answered", { url: maskUrl(found.url), answer: answerOf(found.answer) });
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "url_unreachable") throw error;
      if (last) throw new AppError("url_unreachable", { ...error.facts, tries }, { cause: error });
    }
    await pause(pauses[tries - 1], undefined, { signal: options.signal });
  }
}

const isPlain = ({ headers }: IncomingMessage): boolean => (headers["content-encoding"] ?? "identity") === "identity";

function answerOf(answer: IncomingMessage): string {
  const { statusCode, statusMessage, headers } = answer;
  if (statusCode === 200) return `with the file packed as ${headers["content-encoding"]}, which was not asked for`;
  return `${statusCode} ${statusMessage ?? ""}`.trim();
}

async function* read(
  first: Found,
  length: number | null,
  options: DownloadOptions,
): AsyncGenerator<Buffer, void, undefined> {
  const { url } = first;
  const told = maskUrl(url);
  const patience = createPatience(told, options);
  const version = versionOf(first.answer);
  let { answer } = first;
  let size = length;
  let received = 0;
  for (let resumes = 0; ; resumes += 1) {
    let broken: unknown = null;
    const chunks = answer[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    try {
      for (;;) {
        const { done, value } = await patience.wait(chunks.next(), received).catch((error: unknown) => {
          options.signal.throwIfAborted();
          if (error instanceof AppError) throw error;
          broken = error;
          return { done: true as const, value: undefined };
        });
        if (done) break;
        received += value.byteLength;
        if (received > options.bytes)
          throw new AppError("url_too_large", { url: told, limit: options.bytes, told: "reading stopped there" });
        yield value;
      }
    } finally {
      answer.destroy();
    }
    // A part may end in order and be less than was asked for: so may servers that cap what they send at once.
    if (broken === null && (size === null || received >= size)) return;
    const brokeOff = new AppError(
      "url_broke_off",
      { url: told, received, announced: size ?? "unknown" },
      { cause: broken },
    );
    if (version === null || resumes === MAX_RESUMES) throw brokeOff;
    answer = await resume(url, { received, size, version, told, brokeOff }, options);
    size ??= rangeOf(answer).total;
  }
}

/** What tells for certain whether the file is the same: null where nothing does, or where no part of it can be asked for. */
function versionOf({ headers }: IncomingMessage): { name: "etag" | "last-modified"; value: string } | null {
  if (headers["accept-ranges"] !== "bytes") return null;
  const { etag, "last-modified": modified } = headers;
  if (etag !== undefined && !etag.startsWith("W/")) return { name: "etag", value: etag };
  return modified === undefined ? null : { name: "last-modified", value: modified };
}

interface Broken {
  received: number;
  size: number | null;
  version: { name: "etag" | "last-modified"; value: string };
  told: string;
  brokeOff: AppError;
}

async function resume(
  url: URL,
  { received, size, version, told, brokeOff }: Broken,
  options: DownloadOptions,
): Promise<IncomingMessage> {
  const changed = (what: string) => new AppError("url_changed", { url: told, what });
  const headers = { range: `bytes=${received}-`, "if-range": version.value };
  const { answer } = await follow(url.href, headers, { ...options, headMs: options.idleSeconds * 1_000 }).catch(
    (error: unknown) => {
      throw error instanceof AppError && error.code === "url_unreachable" ? brokeOff : error;
    },
  );
  const fault = faultOf(answer);
  if (fault === null) return answer;
  answer.destroy();
  throw fault;

  function faultOf({ statusCode = 0, headers: now }: IncomingMessage): AppError | null {
    if (statusCode === 200 || statusCode === 416 || statusCode === 412)
      return changed("the rest of it is not there any more");
    if (statusCode !== 206) return brokeOff;
    const { start, total } = rangeOf({ headers: now });
    if (start !== received) return changed("the server sent another part than was asked for");
    if (size !== null && total !== null && total !== size) return changed(`it had ${size} bytes and has ${total}`);
    const value = now[version.name];
    return value === undefined || value === version.value
      ? null
      : changed(`its ${version.name} was ${version.value} and is ${value}`);
  }
}

/** `total`: null where the server does not tell. */
function rangeOf({ headers }: Pick<IncomingMessage, "headers">): { start: number | null; total: number | null } {
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers["content-range"] ?? "") ?? [];
  return {
    start: start === undefined ? null : Number(start),
    total: total === undefined || total === "*" ? null : Number(total),
  };
}

function lengthOf({ headers }: IncomingMessage): number | null {
  const length = headers["content-length"];
  return length === undefined ? null : Number(length);
}

function nameOf({ url, answer }: Found): string {
  const disposition = answer.headers["content-disposition"] ?? "";
  const [, encoded] = /filename\*=utf-8''([^;\s]+)/i.exec(disposition) ?? [];
  const [, quoted] = /filename="([^"]*)"/i.exec(disposition) ?? [];
  return decoded(encoded) ?? quoted ?? decoded(url.pathname.split("/").at(-1)) ?? "";
}

function decoded(text: string | undefined): string | null {
  try {
    return text === undefined ? null : decodeURIComponent(text);
  } catch {
    return text ?? null;
  }
}
