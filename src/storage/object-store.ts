/**
 * What Platen needs of an object store. Two stores exist per installation: `private` (drafts, staged releases) and
 * `public` (what viewers load). Keys are relative, segments of at most 200 bytes separated by `/`, and no key is a prefix
 * segment of another (`x` and `x/y`), so that a folder and S3 behave alike.
 */
import type { Readable } from "node:stream";

export interface ObjectInfo {
  key: string;
  /** Bytes. */
  size: number;
}

export interface PutResult extends ObjectInfo {
  /** SHA-256 of what was written, lower-case hex, computed on the way. */
  sha256: string;
}

export interface PutOptions {
  signal?: AbortSignal;
  /** SHA-256 the bytes must have, lower-case hex; default: any. */
  sha256?: string;
  /** Bytes there must be; default: any. */
  size?: number;
}

/**
 * The body of a `put` was not what its options said; nothing was put in place. No AppError, since only the caller knows whether
 * that is bad input or a fault.
 */
export class DigestMismatch extends Error {
  override name = "DigestMismatch";
  readonly expected: { sha256?: string; size?: number };
  readonly found: PutResult;

  constructor(expected: { sha256?: string; size?: number }, found: PutResult) {
    const told = [expected.size === undefined ? [] : `${expected.size} bytes`, expected.sha256 ?? []].flat().join(", ");
    super(`${found.key} should be ${told}, and is ${found.size} bytes, ${found.sha256}`);
    this.expected = expected;
    this.found = found;
  }
}

/** An object, and what its bytes must be. */
export interface PromisedObject extends ObjectInfo {
  /** Lower-case hex. */
  sha256: string;
}

/** What is wrong with an object. */
export type ObjectFault = { kind: "absent" } | { kind: "size"; size: number } | { kind: "digest" };

export interface Inspection {
  /** Of each object in order, null for those that are whole. */
  faults: (ObjectFault | null)[];
  /**
   * Digest of all that the store knows of the objects without reading them: for a folder their inodes, sizes and times of change.
   * Equal seals mean that nobody has written any of them in between; damage below the file system is not seen.
   */
  seal: string;
}

/** Errors: `store_unavailable` and `store_full` (AppError, retryable); a missing key is null, never an error. */
export interface ObjectStore {
  /**
   * Writes the whole object atomically: readers see the old one or the new one. Rejects and leaves nothing when `body` fails
   * (with the body's own error), or is not of the `sha256` or `size` it should be (DigestMismatch).
   */
  put(key: string, body: Readable | Uint8Array, options?: PutOptions): Promise<PutResult>;
  head(key: string): Promise<ObjectInfo | null>;
  /** A stream of the object's bytes, or of `range` (both ends inclusive), or null if there is none. */
  get(key: string, range?: { start: number; end: number }): Promise<{ info: ObjectInfo; body: Readable } | null>;
  /** Objects whose keys begin with `prefix` (which ends with `/`), in no promised order. */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  delete(key: string): Promise<void>;
  /** Looks at many objects at once: at their `sizes`, or reads all their `bytes`. Throws the signal's reason when it aborts. */
  inspect(objects: readonly PromisedObject[], options: InspectOptions): Promise<Inspection>;
}

export interface InspectOptions {
  read: "sizes" | "bytes";
  signal?: AbortSignal | undefined;
}

/** The pointer as stored: which epoch is live, and the nonce that tells two writers of equal bytes apart. */
export interface PointerState {
  epoch: number;
  nonce: string;
  /** Opaque token of this very state, for `putPointer`. */
  token: string;
}

/**
 * The pointer `{environment}/{project}/release.json`. Its epoch never goes backwards, whatever a stalled writer does.
 * Implemented per store: hard links named by epoch in a folder, conditional PUTs on S3.
 */
export interface PointerStore {
  readPointer(environment: string, project: string): Promise<PointerState | null>;
  /** Writes epoch `epoch`; `refused` when another state than `expected` is there by now: read again. */
  putPointer(options: {
    environment: string;
    project: string;
    epoch: number;
    body: Readable;
    expected: PointerState | null;
  }): Promise<"written" | "refused">;
  /** The live document. */
  getPointer(
    environment: string,
    project: string,
  ): Promise<{ info: ObjectInfo; body: Readable; state: PointerState } | null>;
}

/** What became of a local file. */
export interface TakenFile {
  /** Bytes. */
  size: number;
  /** Lower-case hex. */
  sha256: string;
  /** False if an object of this digest was there already. */
  put: boolean;
}

/** Local files on their way into the private store, many at once, each under its own digest. */
export interface Intake {
  /**
   * Makes each file the object `digestKey(prefix, its digest)`, atomically; the file itself may be gone then. Answers in the files'
   * order. Safe to run twice and from several processes. What was put may be lost in a power cut until `flush` has resolved. Throws the
   * signal's reason when it aborts.
   */
  take(prefix: string, paths: readonly string[], options?: { signal?: AbortSignal | undefined }): Promise<TakenFile[]>;
  /** Lets all that was taken survive a power cut. */
  flush(): Promise<void>;
}

export interface Stores {
  intake: Intake;
  private: ObjectStore;
  public: ObjectStore & PointerStore;
  transfer: Transfer;
}

/** One object on its way from the private store into the public one. */
export interface Transferred {
  /** Key in the private store. */
  from: string;
  /** In the public store. */
  to: PromisedObject;
}

/** Many objects at once from the private store into the public one. */
export interface Transfer {
  /**
   * Copies each object that is not there with its size, atomically, and only if its bytes are the promised ones. Answers for each
   * whether it was `copied` or `kept` as it was, or what is wrong with the source. Safe to run twice and from several processes.
   * What was copied may be lost in a power cut until `flush` has resolved. Throws the signal's reason when it aborts.
   */
  copy(
    objects: readonly Transferred[],
    options?: { signal?: AbortSignal | undefined },
  ): Promise<("copied" | "kept" | ObjectFault)[]>;
  /** Lets these objects of the public store survive a power cut, whoever wrote them; `all` that is in it costs no more from some dozens on. */
  flush(keys: readonly string[] | "all"): Promise<void>;
}
