import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { recordPointer, type PointerRecorder } from "../support/pointer-recorder.ts";

let store: string;
let recorder: PointerRecorder;

beforeEach(async () => {
  store = await mkdtemp(join(tmpdir(), "platen-recorder-"));
  await mkdir(join(store, "public", "dev", "town"), { recursive: true });
  recorder = recordPointer(store, "dev", "town");
  await write(1);
  expect(await recorder.served()).toEqual([1]);
  await write(2);
  expect(await recorder.served()).toEqual([1, 2]);
});
afterEach(async () => {
  recorder.stop();
  await rm(store, { recursive: true });
});

const path = (epoch: number) => join(store, "public", "dev", "town", `${String(epoch).padStart(12, "0")}.json`);
/** In one piece, as every store does it: the recorder counts a half-written pointer as a wrong one. */
async function write(epoch: number, more = {}): Promise<void> {
  const whole = join(store, "whole");
  await writeFile(whole, JSON.stringify({ live: { epoch }, ...more }));
  await rename(whole, path(epoch));
}

describe("the recorder, on which the tests of this folder rely,", () => {
  it("tells of a pointer that went back", async () => {
    await rm(path(2));
    await expect(recorder.served()).rejects.toThrow("went back from epoch 2 to 1");
  });

  it("tells of an epoch whose bytes changed", async () => {
    await write(1, { other: true });
    await expect(recorder.served()).rejects.toThrow("the bytes of 000000000001.json have changed");
  });
});
