import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { cachedTemporal, findTemporal } from "../../bootstrap/temporal-cli.js";

/** A program that answers like `temporal --version`. */
async function fakeTemporal(
  path: string,
  answer = "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)",
): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\necho '${answer}'\n`);
  await chmod(path, 0o755);
  return path;
}

describe("the temporal binary", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "platen-find-"));
    vi.stubEnv("PATH", join(folder, "path"));
    vi.stubEnv("XDG_CACHE_HOME", join(folder, "cache"));
    vi.stubEnv("PLATEN_TEMPORAL_CLI", undefined);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true, force: true });
  });

  test("is looked for on PATH, then in PLATEN_TEMPORAL_CLI, then in the tool cache", async () => {
    expect(await findTemporal()).toBeNull();
    const cached = await fakeTemporal(cachedTemporal());
    expect(await findTemporal()).toEqual({ path: cached, from: "the tool cache" });
    const named = await fakeTemporal(join(folder, "named", "temporal-cli"));
    vi.stubEnv("PLATEN_TEMPORAL_CLI", named);
    expect(await findTemporal()).toEqual({ path: named, from: "PLATEN_TEMPORAL_CLI" });
    const onPath = await fakeTemporal(join(folder, "path", "temporal"));
    expect(await findTemporal()).toEqual({ path: onPath, from: "PATH" });
  });

  test("is passed over when its server is too old, when it is another program, and when it does not run", async () => {
    const cached = await fakeTemporal(cachedTemporal());
    for (const answer of ["temporal version 1.0.0 (Server 1.24.2, UI 2.28.0)", "Temporal, a text editor"]) {
      await fakeTemporal(join(folder, "path", "temporal"), answer);
      expect((await findTemporal())?.path).toBe(cached);
    }
    await chmod(join(folder, "path", "temporal"), 0o644);
    expect((await findTemporal())?.path).toBe(cached);
  });
});
