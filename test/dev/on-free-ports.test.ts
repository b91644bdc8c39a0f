import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startChild, type ChildOptions } from "../../src/dev/child.ts";
import { onFreePorts } from "../../src/dev/on-free-ports.ts";
import { startPostgres } from "../../src/dev/postgres.ts";
import { startTemporal } from "../../src/dev/temporal.ts";

describe("a server whose port is taken between its choice and its start", () => {
  let folder: string;
  let thief: Thief;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "platen-ports-"));
    thief = createThief();
  });
  afterEach(async () => {
    await thief.close();
    await rm(folder, { recursive: true });
  });

  test("Temporal: is started on another", async () => {
    const server = await startTemporal({ log: join(folder, "log"), start: thief.start("--port") });
    expect(thief.starts).toBe(2);
    expect(Number(server.address.split(":")[1])).not.toBe(thief.port());
    await server.stop();
  });

  test("PostgreSQL: is started on another", async () => {
    const server = await startPostgres({
      ...{ dataDir: join(folder, "postgres"), log: join(folder, "log"), durable: false, start: thief.start("-p") },
    });
    expect(thief.starts).toBe(2);
    expect(Number(new URL(server.url()).port)).not.toBe(thief.port());
    await server.stop();
  });
});

describe("starting on free ports", () => {
  test("gives up after five starts whose port was taken", async () => {
    const attempts: number[] = [];
    const start = onFreePorts(async (attempt) => {
      attempts.push(attempt);
      throw new Error("listen EADDRINUSE: address already in use 127.0.0.1:8080");
    });
    await expect(start).rejects.toThrow(/127\.0\.0\.1:8080/);
    expect(attempts).toEqual([1, 2, 3, 4, 5]);
  });

  test("fails at once for any other reason", async () => {
    let attempts = 0;
    const start = onFreePorts(async () => {
      attempts++;
      throw new Error("no such table: executions");
    });
    await expect(start).rejects.toThrow("no such table");
    expect(attempts).toBe(1);
  });
});

interface Thief {
  /** Starts of children with the flag. */
  starts: number;
  port(): number;
  /** Starts children, after listening itself on what the first of them is given with `flag`. */
  start(flag: string): typeof startChild;
  close(): Promise<void>;
}

function createThief(): Thief {
  let held: { server: Server; port: number } | null = null;
  const thief: Thief = {
    starts: 0,
    port: () => held!.port,
    start: (flag) => async (options: ChildOptions) => {
      const port = Number(options.args[options.args.indexOf(flag) + 1]);
      // PostgreSQL's files are made by a child before, which is given no port.
      if (options.args.includes(flag)) {
        thief.starts++;
        held ??= { server: await listenOn(port), port };
      }
      return startChild(options);
    },
    close: () => new Promise((closed) => (held ? held.server.close(() => closed()) : closed())),
  };
  return thief;
}

function listenOn(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy()).once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}
