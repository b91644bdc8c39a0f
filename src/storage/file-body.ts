/** An open file as the body that a store hands out. */
import type { FileHandle } from "node:fs/promises";
import { Readable } from "node:stream";
import { storeError } from "./store-error.ts";

/**
 * The bytes from `start` to `end` (inclusive). Closes the file when it ends or is destroyed, read or not. Unlike with
 * `createReadStream`, a disk that fails in the middle is told as the `store_unavailable` of `key`.
 */
export function fileBody(file: FileHandle, key: string, { start, end }: { start: number; end: number }): Readable {
  let at = start;
  return new Readable({
    read(size) {
      const wanted = Math.min(size, end - at + 1);
      if (wanted <= 0) return void this.push(null);
      void file.read(Buffer.allocUnsafe(wanted), 0, wanted, at).then(
        ({ bytesRead, buffer }) => {
          at += bytesRead;
          this.push(bytesRead > 0 ? buffer.subarray(0, bytesRead) : null);
        },
        (error: unknown) => this.destroy(storeError(key, error) as Error),
      );
    },
    destroy(error, callback) {
      // Waits for a read that is under way.
      file.close().then(
        () => callback(error),
        (failed: unknown) => callback(error ?? (storeError(key, failed) as Error)),
      );
    },
  });
}
