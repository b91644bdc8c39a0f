import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { endLeftovers } from "../../src/dev/children.ts";
import { commandLine, identify } from "../../src/process-identity.ts";
import { readStackFile, runStack } from "../support/embedded-stack.ts";

const LIMIT = { timeout: 120_000 };
const DEFAULT_PORTS = [5433, 7233, 8080, 8233];

/** Takes each of the default ports that is free. */
async function occupyPorts(): Promise<Server[]> {
  return Promise.all(
    DEFAULT_PORTS.map(
      (port) =>
        new Promise<Server>((resolve) => {
          const server = createServer();
          server.once("error", () => resolve(server)).listen(port, "127.0.0.1", () => resolve(server));
        }),
    ),
  );
}

/** Names of those that live, sorted: gateway and worker start side by side. */
async function alive(pids: Record<string, number>): Promise<string[]> {
  const living: string[] = [];
  for (const [name, pid] of Object.entries(pids)) if ((await identify(pid)) !== null) living.push(name);
  return living.toSorted();
}

/** Command lines of the processes that have to do with a folder. */
async function commandsNaming(folder: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map((pid) => commandLine(Number(pid))));
  return commands.filter((command) => command.includes(folder));
}

/** The tests follow each other on one state folder, as the days of a user do. */
describe("npm start", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "platen-stack-"));
  });
  afterAll(async () => {
    await endLeftovers(folder);
    await rm(folder, { recursive: true, force: true });
  });

  test("--once publishes the sample on free ports, shows the five steps, and exits with 0", LIMIT, async () => {
    const holders = await occupyPorts();
    const stack = runStack(folder, "--once");
    expect(await stack.ended, stack.output()).toBe(0);
    for (const holder of holders) holder.close();
    for (const percent of ["10 %", "30 %", "50 %", "80 %", "100 %"]) expect(stack.output()).toContain(percent);
    const release = /release +http:\/\/127\.0\.0\.1:(\d+)\/dev\/harbour-town\/release\.json/.exec(stack.output());
    expect(DEFAULT_PORTS).not.toContain(Number(release?.[1]));
    expect(stack.output()).toMatch(/in Temporal +http:\S+\/namespaces\/default\/workflows\/publish-[0-9a-f-]{36}/);
    expect(stack.output()).toMatch(/curl -N -H 'Authorization: Bearer pk_viewer_\S+' http:\S+\/jobs\/\S+\/stream/);
    for (const role of ["viewer", "operator", "admin"]) expect(stack.output()).toContain(`pk_${role}_`);
    expect(existsSync(join(folder, "stack.json"))).toBe(false);
    expect(existsSync(join(folder, "processes.ndjson"))).toBe(false);
  });

  test("again says that the sample is live, and Ctrl-C stops every child within 5 s", LIMIT, async () => {
    const stack = runStack(folder);
    await stack.until("Serving until Ctrl-C.");
    expect(stack.output()).toContain("live already");
    const file = await readStackFile(folder);
    expect((await stat(join(folder, "stack.json"))).mode & 0o777).toBe(0o600);
    expect((await fetch(`${file.gateway}/dev/harbour-town/release.json`)).status).toBe(200);
    expect(await alive(file.pids)).toEqual(["gateway", "postgres", "stack", "temporal", "worker"]);

    const second = runStack(folder);
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(`A stack is up in ${folder} already (process ${stack.pid})`);
    expect(existsSync(join(folder, "stack.json"))).toBe(true);

    const began = Date.now();
    stack.signal("SIGINT");
    stack.signal("SIGINT"); // npm passes on what the terminal has sent already
    expect(await stack.ended).toBe(0);
    expect(Date.now() - began).toBeLessThan(5_000);
    expect(await alive(file.pids)).toEqual([]);
    expect(existsSync(join(folder, "stack.json"))).toBe(false);
  });

  test("cleans up what a kill -9 left behind and goes on with the same keys and the same release", LIMIT, async () => {
    const killed = runStack(folder);
    await killed.until("Serving until Ctrl-C.");
    const before = await readStackFile(folder);
    killed.signal("SIGKILL");
    await killed.ended;
    expect(await alive(before.pids)).toEqual(["gateway", "postgres", "temporal", "worker"]);

    const stack = runStack(folder);
    await stack.until("Serving until Ctrl-C.");
    expect(stack.output()).toMatch(/Ended what an earlier run left behind: .*PostgreSQL/);
    expect(stack.output()).toContain("live already");
    expect(await alive(before.pids)).toEqual([]);
    const after = await readStackFile(folder);
    expect(after.api_keys).toEqual(before.api_keys);
    stack.signal("SIGTERM");
    expect(await stack.ended).toBe(0);
    expect(await alive(after.pids)).toEqual([]);
  });

  test("ends with the reason when PostgreSQL dies", LIMIT, async () => {
    const stack = runStack(folder);
    await stack.until("Serving until Ctrl-C.");
    const first = await readStackFile(folder);
    process.kill(first.pids["postgres"]!, "SIGKILL");
    expect(await stack.ended).toBe(1);
    expect(stack.output()).toContain("PostgreSQL ended (SIGKILL). The end of");
    expect(await alive(first.pids)).toEqual([]);
  });

  test(
    "Ctrl-C at any moment of the start leaves nothing running",
    { ...LIMIT, skip: process.platform !== "linux" },
    async () => {
      for (const moment of ["Starting PostgreSQL", "Applied migrations", "Put config"]) {
        const fresh = await mkdtemp(join(folder, "fresh-"));
        const stack = runStack(fresh);
        await stack.until(moment);
        stack.signal("SIGINT");
        expect(await stack.ended, moment).toBe(0);
        expect(await commandsNaming(fresh), moment).toEqual([]);
        expect(existsSync(join(fresh, "postgres", "postmaster.pid")), moment).toBe(false);
      }
    },
  );
});
