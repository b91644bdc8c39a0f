/**
 * One watcher's connection: writes frames, notices a full or dead socket, ends in time.
 *
 *   open ──end()──► ending ──all sent, or LINGER_MS──► closed
 *     └──client left, stalled──────────────────────────► closed
 *
 * A class, and one set of listeners for all: there are ten thousand of these, and closures would cost each a KB more.
 */
import type { Socket } from "node:net";
import type { Connection, Place, Times } from "../live-streams.ts";
import { PING } from "./encode.ts";
import { LAST_CHUNK, type Frames } from "./frame.ts";
import type { TakenSocket } from "./take-over.ts";

/** Who writes to a wire. */
export interface WireUser {
  /** It is empty again: there is room for more. */
  drained(): void;
  /** It has closed, whoever closed it. Called once. */
  closed(): void;
  /** It is old, or the process goes down: end it. */
  expire(): void;
}

/** A watcher's end of a stream, whatever it runs over. */
export interface Wire {
  /** What is written now would have to wait for the client. */
  readonly full: boolean;
  write(frames: Frames): void;
  end(why: EndOfStream): void;
}

/** `ended`: with the final event. `left`: by the client. After the other two it should come back. */
export type EndOfStream = "ended" | "closing" | "failed" | "left";

/** A client that holds more than this unread for that long, and reads next to nothing meanwhile, is dropped. */
export const MAX_UNREAD_BYTES = 1_048_576;
export const MAX_STALL_MS = 5_000;
const SLOWEST_BYTES = 65_536;
/** Of a long frame that are given to the system at a time. */
const SLICE_BYTES = 262_144;
/** Between the end of a stream and that of its connection, if the client does not close it and does not read on. */
const LINGER_MS = 5_000;

const wires = new WeakMap<Socket, SseWire>();

function onDrain(this: Socket): void {
  wires.get(this)?.drained();
}
function onClose(this: Socket): void {
  wires.get(this)?.release();
}
function onError(this: Socket): void {
  this.destroy();
}

export class SseWire implements Wire, Connection {
  readonly socket: Socket;
  readonly chunked: boolean;
  readonly user: WireUser;
  readonly place: Place;
  /** ms of `performance.now()`, as all that follow. */
  endAt: number;
  pingAt: number;
  /** What of a long frame waits for its turn: one write of 10 MB would tell nothing of itself until all of it is sent. */
  #rest: Buffer | null = null;
  #ending = 0;
  #stalledAt = 0;
  /** Bytes that were given to the socket, and what the system had taken of them when it was looked at. */
  #given = 0;
  #sentThen = 0;
  #over = false;

  /** `place`: given back when the connection has closed, which may be long after the stream's end. */
  constructor({ socket, chunked }: TakenSocket, user: WireUser, place: Place, times: Times) {
    [this.socket, this.chunked, this.user, this.place] = [socket, chunked, user, place];
    [this.endAt, this.pingAt] = [times.endAt, times.pingAt];
    wires.set(socket, this);
    socket.on("drain", onDrain).on("close", onClose).on("error", onError);
  }

  get full(): boolean {
    return this.#rest !== null || this.socket.writableNeedDrain;
  }

  write(frames: Frames): void {
    if (this.#ending === 0) this.#give(this.chunked ? frames.chunk : frames.bytes);
  }

  end(): void {
    if (this.#ending > 0) return;
    this.#ending = this.#stalledAt = performance.now();
    this.#sentThen = this.#sent;
    if (this.#rest === null) this.#close();
  }

  drained(): void {
    const rest = this.#rest;
    this.#rest = null;
    if (rest) this.#give(rest);
    if (this.full) return;
    if (this.#ending > 0) this.#close();
    else this.user.drained();
  }

  #give(bytes: Buffer): void {
    if (!this.socket.writable) return;
    if (this.#rest) {
      this.#rest = Buffer.concat([this.#rest, bytes]);
      return;
    }
    let at = 0;
    do {
      const part = bytes.byteLength <= SLICE_BYTES ? bytes : bytes.subarray(at, at + SLICE_BYTES);
      this.#given += part.byteLength;
      this.socket.write(part);
      at += part.byteLength;
    } while (at < bytes.byteLength && !this.socket.writableNeedDrain);
    if (at < bytes.byteLength) this.#rest = bytes.subarray(at);
  }

  #close(): void {
    if (!this.socket.writable) this.socket.destroy();
    else if (this.chunked) this.socket.end(LAST_CHUNK);
    else this.socket.end();
  }

  tick(now: number, everyMs: number): boolean {
    if (this.#over) return false;
    if (this.#ending > 0) {
      if (now - this.#stalledAt >= LINGER_MS) this.#linger(now);
    } else if (now >= this.endAt) this.user.expire();
    else if (this.#isStuck(now)) this.socket.destroy();
    else if (now >= this.pingAt) {
      this.pingAt = now + everyMs;
      if (!this.full) this.write(PING);
    }
    return true;
  }

  expire(): void {
    this.user.expire();
  }

  get isClosed(): boolean {
    return this.socket.destroyed;
  }

  destroy(): void {
    this.socket.destroy();
  }

  release(): void {
    if (this.#over) return;
    this.#over = true;
    this.place.release();
    this.user.closed();
  }

  /** What the system has taken. */
  get #sent(): number {
    return this.#given - this.socket.writableLength;
  }

  get #unread(): number {
    return this.socket.writableLength + (this.#rest?.byteLength ?? 0);
  }

  /** A client that is still reading gets all of it: cut off in a long snapshot, it would begin with the same one again, for ever. */
  #linger(now: number): void {
    const goesOn = this.#unread > 0 && this.#sent - this.#sentThen >= SLOWEST_BYTES;
    [this.#stalledAt, this.#sentThen] = [now, this.#sent];
    if (!goesOn) this.socket.destroy();
  }

  #isStuck(now: number): boolean {
    if (this.#unread <= MAX_UNREAD_BYTES) {
      this.#stalledAt = 0;
      return false;
    }
    if (this.#stalledAt === 0) [this.#stalledAt, this.#sentThen] = [now, this.#sent];
    if (now - this.#stalledAt < MAX_STALL_MS) return false;
    if (this.#sent - this.#sentThen < SLOWEST_BYTES) return true;
    [this.#stalledAt, this.#sentThen] = [now, this.#sent];
    return false;
  }
}
