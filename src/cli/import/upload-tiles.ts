/** Sends the tiles that the server does not have yet, several at a time. */
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { ReadableStream as WebStream } from "node:stream/web";
import pLimit from "p-limit";
import type { Problem } from "../../../contract/problem.ts";
import { CliError } from "../cli-error.ts";
import type { Server } from "../server.ts";
import { readBytes } from "./read-text.ts";
import type { LocalTile } from "./read-tiles.ts";

const MEDIA_TYPES: Record<string, string> = {
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
};

/** A tile is worth more patience than a question: a whole import hangs on it. About 15 s of pauses in all. */
const RETRIES = 7;

/** Rejected tiles after which it is the pyramid that is wrong. */
const MAX_REJECTED = 100;

export interface TileUpload {
  server: Server;
  /** Of the version's tiles, e.g. `/projects/harbour-town/versions/1/tiles`. */
  path: string;
  tiles: readonly LocalTile[];
  parallel: number;
  /** Also those that the server has: its store may have lost or changed what its records vouch for. */
  resend: boolean;
  onTile: (done: number, size: number) => void;
}

export interface TileSummary {
  tiles_sent: number;
  tiles_reused: number;
  bytes_sent: number;
}

/**
 * Rejected tiles do not keep the others waiting, and are told together. Any other refusal ends it: tiles that wait are dropped then, those
 * on their way arrive.
 */
export async function uploadTiles({ server, path, tiles, parallel, resend, onTile }: TileUpload): Promise<TileSummary> {
  const known = resend ? new Map<string, string>() : await readManifest(server, path);
  const summary: TileSummary = { tiles_sent: 0, tiles_reused: 0, bytes_sent: 0 };
  const limit = pLimit({ concurrency: parallel, rejectOnClear: true });
  const rejected: Rejected[] = [];
  const send = async (tile: LocalTile): Promise<void> => {
    const bytes = await readBytes(tile.path);
    if (known.get(tile.key) === createHash("sha256").update(bytes).digest("hex")) {
      summary.tiles_reused += 1;
    } else {
      const type = MEDIA_TYPES[tile.key.split(".").at(-1) ?? ""] ?? "application/octet-stream";
      const options = { headers: { "content-type": type }, body: () => bytes, retries: RETRIES };
      await server.tell("PUT", `${path}/${tile.key}`, options);
      summary.tiles_sent += 1;
      summary.bytes_sent += bytes.byteLength;
    }
    onTile(summary.tiles_sent + summary.tiles_reused, tile.size);
  };
  const sendOrNote = (tile: LocalTile): Promise<void> =>
    send(tile).catch((error: unknown) => {
      if (!(error instanceof CliError) || error.code !== "tile_rejected") throw error;
      rejected.push({ tile, error });
      if (rejected.length >= MAX_REJECTED) throw error;
    });
  try {
    await limit.map(tiles, sendOrNote);
  } catch (error) {
    limit.clearQueue();
    if (rejected.length < MAX_REJECTED) throw error;
  }
  const [first, ...others] = rejected;
  if (first) throw allRejected([first, ...others]);
  return summary;
}

interface Rejected {
  tile: LocalTile;
  error: CliError;
}

function allRejected(rejected: readonly [Rejected, ...Rejected[]]): CliError {
  const [{ error: first }] = rejected;
  if (rejected.length === 1) return first;
  const problems: Problem[] = rejected.map(({ tile, error }) => ({
    ...{ code: error.code, path: `/tiles/${tile.key}`, message: error.message },
  }));
  const count = rejected.length < MAX_REJECTED ? String(rejected.length) : `At least ${rejected.length}`;
  const message = `${count} tiles were rejected.`;
  return new CliError(first.exit, first.code, message, { lines: first.lines, problems, cause: first });
}

/** Key → SHA-256 of what the server has, read line by line. */
async function readManifest(server: Server, path: string): Promise<Map<string, string>> {
  const response = await server.request("GET", `${path}?manifest=1`, {
    headers: { accept: "application/x-ndjson" },
    retries: RETRIES,
  });
  const known = new Map<string, string>();
  if (!response.body) return known;
  for await (const line of createInterface({ input: Readable.fromWeb(response.body as WebStream) })) {
    const { key, sha256 } = JSON.parse(line) as { key: string; sha256: string };
    known.set(key, sha256);
  }
  return known;
}
