import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fetchTemporal } from "../../bootstrap/fetch-temporal.js";
import { cachedTemporal, findTemporal, toolFolder } from "../../bootstrap/temporal-cli.js";

const PROGRAM = "#!/bin/sh\necho 'temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)'\n";

describe("fetching the temporal binary", () => {
  let folder: string;
  let server: Server;
  let said: string;

  const serve = async (archive: Buffer | null): Promise<string> => {
    server = createServer((_, response) => {
      if (archive) response.end(archive);
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  /** A program on PATH; the fake `go` writes what a real one would build. */
  const install = (name: string, text: string): void => {
    writeFileSync(join(folder, "path", name), text);
    chmodSync(join(folder, "path", name), 0o755);
  };
  const fakeGo = (build: string): void => install("go", `#!/bin/sh\n[ "$1" = version ] && exit 0\n${build}\n`);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "platen-fetch-"));
    mkdirSync(join(folder, "path"));
    for (const tool of ["tar", "gzip"]) {
      install(tool, `#!/bin/sh\nPATH=/usr/bin:/bin exec ${tool} "$@"\n`);
    }
    vi.stubEnv("PATH", join(folder, "path"));
    vi.stubEnv("XDG_CACHE_HOME", join(folder, "cache"));
    vi.stubEnv("PLATEN_TEMPORAL_CLI", undefined);
    said = "";
    vi.spyOn(console, "error").mockImplementation((line: string) => void (said += `${line}\n`));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test("a download ends in the tool cache", async () => {
    writeFileSync(join(folder, "temporal"), PROGRAM, { mode: 0o755 });
    const archive = execFileSync("tar", ["-cz", "-C", folder, "temporal"], { env: { PATH: "/usr/bin:/bin" } });
    await fetchTemporal(await serve(archive));
    expect(await findTemporal()).toEqual({ path: cachedTemporal(), from: "the tool cache" });
    expect(readdirSync(toolFolder())).toEqual(["temporal-1.5.1"]);
  });

  test("what cannot be downloaded is built with Go, and the reason is said", async () => {
    install("binary", PROGRAM);
    fakeGo(`echo 'go: downloading x' >&2; /bin/cp ${join(folder, "path", "binary")} "$GOBIN/temporal"`);
    await fetchTemporal(await serve(null));
    expect(await readFile(cachedTemporal(), "utf8")).toBe(PROGRAM);
    expect(said).toContain("It cannot be downloaded (HTTP 404).");
    expect(said).toMatch(/Building the Temporal CLI 1\.5\.1 with Go: .* minutes/);
  });

  test("two clones that build at the same time both succeed and leave one whole binary", async () => {
    install("binary", PROGRAM);
    fakeGo(`/bin/cp ${join(folder, "path", "binary")} "$GOBIN/temporal"`);
    const from = await serve(null);
    await Promise.all([fetchTemporal(from), fetchTemporal(from)]);
    expect(readdirSync(toolFolder())).toEqual(["temporal-1.5.1"]);
    expect(await findTemporal()).not.toBeNull();
  });

  test("a build that fails leaves nothing in the cache and repeats what Go said", async () => {
    fakeGo("echo 'no space left on device' >&2; exit 1");
    await expect(fetchTemporal(await serve(null))).rejects.toThrow(/go install .* failed.*\n.*no space left on device/);
    expect(readdirSync(toolFolder())).toEqual([]);
  });

  test("a machine with neither the internet nor Go is told what to install", async () => {
    await expect(fetchTemporal("http://127.0.0.1:9")).rejects.toThrow(/install Go \(apt-get install golang/);
  });
});
