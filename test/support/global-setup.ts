/** One PostgreSQL and one Temporal server per test run, for all files. */
import { mkdtemp, mkdir, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { migrate } from "../../src/dev/migrate.ts";
import { administer, startPostgres } from "../../src/dev/postgres.ts";
import { startTemporal } from "../../src/dev/temporal.ts";

declare module "vitest" {
  interface ProvidedContext {
    servers: {
      /** URL of the database that every test file clones. */
      template: string;
      temporal: { address: string; namespace: string };
    };
  }
}

const TEMPLATE = "platen_template";
const PREFIX = "platen-test-";

/** Errors: what keeps a server from starting, with the line that mends it. */
export default async function startServers(project: TestProject): Promise<() => Promise<void>> {
  await sweep();
  const folder = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
  const started = await Promise.allSettled([
    startPostgres({ dataDir: join(folder, "postgres"), log: join(folder, "postgres.log"), durable: false }),
    startTemporal({ log: join(folder, "temporal.log") }),
  ]);
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((server) => server.status === "fulfilled" && server.value.stop()));
  };
  try {
    const [postgres, temporal] = started;
    if (postgres.status === "rejected") throw postgres.reason;
    if (temporal.status === "rejected") throw temporal.reason;
    await administer(postgres.value.url(), `create database ${TEMPLATE}`);
    await migrate(postgres.value.url(TEMPLATE));
    project.provide("servers", {
      template: postgres.value.url(TEMPLATE),
      temporal: { address: temporal.value.address, namespace: temporal.value.namespace },
    });
    return async () => {
      const kept = await administer(postgres.value.url(), "select 1 from pg_database where datname like 'test\\_%'");
      await stop();
      if (kept.length === 0) await rm(folder, { recursive: true, force: true });
      else console.log(`Databases of failed test files are kept in ${folder} until the next run.`);
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Folders of runs whose process is gone. */
async function sweep(): Promise<void> {
  await mkdir(tmpdir(), { recursive: true });
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid && !isAlive(Number(pid))) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
