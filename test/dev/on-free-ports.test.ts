import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startChild, untilReady, type StartChild } from "../../src/dev/child.ts";
import { listensOn } from "../../src/dev/listens-on.ts";
import { onFreePorts } from "../../src/dev/on-free-ports.ts";
import { startPostgres } from "../../src/dev/postgres.ts";
import { startTemporal } from "../../src/dev/temporal.ts";

interface Server {
  stop(): Promise<void>;
}

describe("a server whose port is taken between its choice and its start", { timeout: 60_000 }, () => {
  let folder: string;
  let strangers: Server[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "platen-ports-"));
    strangers = [];
  });
  afterEach(async () => {
    for (const each of strangers) await each.stop();
    await rm(folder, { recursive: true });
  });

  const temporal = (name: string, start: StartChild = startChild) =>
    startTemporal({ log: join(folder, `temporal-${name}`), start });
  const postgres = (name: string, start: StartChild = startChild) =>
    startPostgres({
      ...{ dataDir: join(folder, `data-${name}`), log: join(folder, `postgres-${name}`), durable: false, start },
    });

  const cases = [
    { name: "Temporal", flag: "--port", begin: temporal, portOf: ({ address = "" }) => Number(address.split(":")[1]) },
    { name: "PostgreSQL", flag: "-p", begin: postgres, portOf: ({ url = () => "" }) => Number(new URL(url()).port) },
  ] as const;
  const thieves = [
    { by: "one that says nothing", answers: false },
    { by: "another of its kind", answers: true },
  ] as const;

  test.each(cases.flatMap((each) => thieves.map((thief) => ({ ...each, ...thief }))))(
    "by $by: $name is started on another",
    async ({ flag, begin, portOf, answers }) => {
      const taken: number[] = [];
      const server = await begin("ours", async (options) => {
        const port = Number(options.args[options.args.indexOf(flag) + 1]);
        // PostgreSQL's files are made by a child before, which is given no port.
        if (options.args.includes(flag)) {
          if (taken.length === 0) {
            const other = answers ? await begin("theirs") : null;
            if (other) strangers.push(other);
            strangers.unshift(await listenOn(port, other ? portOf(other as never) : null));
          }
          taken.push(port);
        }
        return startChild(options);
      });
      expect(taken).toHaveLength(2);
      expect(portOf(server as never)).toBe(taken[1]);
      expect(taken[1]).not.toBe(taken[0]);
      await server.stop();
    },
  );
});

test("a port is of who listens on it, and of nobody once that is over", async () => {
  const held = await listenOn(0);
  const { port } = held;
  expect(await listensOn(process.pid, port)).toBe(process.platform === "linux" ? true : null);
  expect(await listensOn(process.ppid, port)).toBe(process.platform === "linux" ? false : null);
  await held.stop();
  expect(await listensOn(process.pid, port)).toBe(process.platform === "linux" ? false : null);
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

  test("tells what this start said, not what was in its log before", async () => {
    const folder = await mkdtemp(join(tmpdir(), "platen-ports-"));
    const say = (text: string) =>
      startChild({
        ...{ name: "echo", command: process.execPath, args: ["-e", `console.log(${JSON.stringify(text)})`] },
        ...{ log: join(folder, "log"), env: {}, stopSignal: "SIGTERM" },
      });
    await (
      await say("address already in use")
    ).exited;
    const later = await say("no such table");
    await expect(untilReady(later, 10_000, async () => false)).rejects.toThrow(/^(?![^]*in use)[^]*no such table/);
    await rm(folder, { recursive: true });
  });
});

/** `to`: the port that it passes its connections on to; null to end them at once. */
async function listenOn(wanted: number, to: number | null = null): Promise<Server & { port: number }> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket.on("error", () => undefined));
    if (to === null) return void socket.destroy();
    const other = connect(to, "127.0.0.1").on("error", () => socket.destroy());
    open.add(other);
    socket.pipe(other).pipe(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(wanted, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    stop: () =>
      new Promise((closed) => {
        server.close(() => closed());
        // One that its client has dropped stays open here until the other side ends it.
        for (const socket of open) socket.destroy();
      }),
  };
}
