/** One PostgreSQL and one Temporal server per test run, for all files. */
import { mkdtemp, mkdir, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { createChildren, endLeftovers } from "../../src/dev/children.ts";
import { administer } from "../../src/dev/database-store.ts";
import { migrate } from "../../src/dev/migrate.ts";
import { startPostgres } from "../../src/dev/postgres.ts";
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
const STOP = [{ names: ["Temporal", "PostgreSQL"], graceMs: 4_000 }];

/** Errors: what keeps a server from starting, with the line that mends it. */
export default async function startServers(project: TestProject): Promise<() => Promise<void>> {
  await sweep();
  const folder = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
  const { start, stop } = createChildren(folder);
  try {
    const [postgres, temporal] = await Promise.all([
      startPostgres({ dataDir: join(folder, "postgres"), log: join(folder, "postgres.log"), durable: false, start }),
      startTemporal({
        ...{ log: join(folder, "temporal.log"), start },
        // What it says of a queue is 5 s old otherwise.
        dynamicConfig: ['matching.TaskQueueInfoByBuildIdTTL="1ms"'],
      }),
    ]);
    await administer(postgres.url(), `create database ${TEMPLATE}`);
    await migrate(postgres.url(TEMPLATE));
    project.provide("servers", {
      template: postgres.url(TEMPLATE),
      temporal: { address: temporal.address, namespace: temporal.namespace },
    });
    return async () => {
      const kept = await administer(postgres.url(), "select 1 from pg_database where datname like 'test\\_%'");
      await stop(STOP);
      if (kept.length === 0) await rm(folder, { recursive: true, force: true });
      else console.log(`Databases of failed test files are kept in ${folder} until the next run.`);
    };
  } catch (error) {
    await stop(STOP);
    throw error;
  }
}

/** Ends the servers and removes the folders of runs whose process is gone. */
async function sweep(): Promise<void> {
  await mkdir(tmpdir(), { recursive: true });
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (!pid || isAlive(Number(pid))) continue;
    await endLeftovers(join(tmpdir(), name));
    await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
