import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { administer, ensureDatabase } from "../../src/dev/database-store.ts";
import { startPostgres, type PostgresServer } from "../../src/dev/postgres.ts";

describe("the embedded PostgreSQL", () => {
  let folder: string;
  let server: PostgresServer | undefined;
  const start = (port?: number): Promise<PostgresServer> =>
    startPostgres({
      ...{ dataDir: join(folder, "postgres"), log: join(folder, "log"), durable: true },
      ...(port === undefined ? {} : { port }),
    });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "platen-postgres-"));
  });
  afterAll(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test("takes another port when the preferred one is in use", async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
    const { port } = holder.address() as AddressInfo;
    server = await start(port);
    expect(Number(new URL(server.url()).port)).not.toBe(port);
    holder.close();
  });

  test("lets nobody in without the password, which only its owner can read", async () => {
    const url = new URL(server!.url());
    url.password = "guess";
    await expect(administer(url.href, "select 1")).rejects.toThrow("password authentication failed");
    expect((await stat(join(folder, "postgres.password"))).mode & 0o077).toBe(0);
  });

  test("keeps what was committed through a kill -9, also when its old pid belongs to another process by then", async () => {
    await ensureDatabase(server!.url(), "kept");
    await ensureDatabase(server!.url(), "kept");
    process.kill(server!.child.pid, "SIGKILL");
    await server!.child.exited;
    const pidFile = join(folder, "postgres", "postmaster.pid");
    const lines = (await readFile(pidFile, "utf8")).split("\n");
    await writeFile(pidFile, [String(process.pid), ...lines.slice(1)].join("\n"));

    server = await start();
    expect(await administer(server.url("kept"), "select current_database() as name")).toEqual([{ name: "kept" }]);
  });

  test("a second one on the same files is refused, with the line that stops the first", async () => {
    await expect(start()).rejects.toThrow(`Stop it: kill -INT ${server!.child.pid}`);
  });

  test("files of another major version are named, not touched", async () => {
    await server!.stop();
    await writeFile(join(folder, "postgres", "PG_VERSION"), "17\n");
    await expect(start()).rejects.toThrow("was made by PostgreSQL 17, this is 18");
  });
});
