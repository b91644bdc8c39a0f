/**
 * Records the golden histories from real jobs: `npm run record-histories [-- -t SCENARIO] [--update]`. What is recorded stays as it
 * is without `--update`: it stands for runs that are open somewhere.
 */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, inject, test } from "vitest";
import { WORKER } from "../support/job-samples/play.ts";
import { createChaosRoom, type ChaosRoom } from "../support/chaos-room.ts";
import { SAMPLES } from "../support/job-samples/index.ts";
import { createRiggedRoom, type RiggedRoom } from "../support/rigged-room.ts";
import { startGatewayRoom, type GatewayRoom } from "../gateway/gateway-room.ts";
import { createCommitGates, type CommitGates } from "../support/commit-gate.ts";
import { startWorkerProcess, type WorkerProcess } from "../support/worker-process.ts";
import { startOwnTemporal } from "../support/own-servers.ts";
import { CHAIN_SCENARIOS, LONG_EVENTS } from "./chain-scenarios.ts";
import { recordHistory, recordWorkflow } from "./record-history.ts";
import { SAMPLE_SCENARIOS } from "./sample-scenarios.ts";
import { SCHEDULE_SCENARIOS } from "./schedule-scenarios.ts";
import { SCENARIOS, VERSION } from "./scenarios.ts";

describe("publish", () => {
  let room: RiggedRoom;
  beforeAll(async () => {
    room = await createRiggedRoom();
    await room.worker(room.config.PLATEN_TASK_QUEUE_PREFIX);
  });
  afterAll(() => room?.close());

  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    const path = pathOf("publish", name);
    test.runIf(inject("anew") || !existsSync(path))(name, { concurrent: true }, async () => {
      await writeFile(path, await recordHistory(room, await scenario(room)));
    });
  }
});

describe.each(Object.values(SAMPLES))("$type", (sample) => {
  let room: ChaosRoom;
  beforeAll(async () => {
    room = await createChaosRoom();
    await room.worker(WORKER);
  });
  afterAll(() => room?.close());

  // One after the other: some kill the workers.
  for (const [name, scenario] of Object.entries(SAMPLE_SCENARIOS)) {
    const path = pathOf(sample.type.replaceAll("_", "-"), name);
    test.runIf(inject("anew") || !existsSync(path))(name, async () => {
      const job = await scenario(room, sample);
      if (job === null) return;
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, await recordHistory(room, job));
    });
  }
});

describe("group, in a chain of runs", () => {
  let room: ChaosRoom;
  beforeAll(async () => {
    const dynamicConfig = [`limit.historyCount.suggestContinueAsNew=${LONG_EVENTS}`];
    room = await createChaosRoom({ temporal: await startOwnTemporal({ dynamicConfig }) });
    await room.worker(WORKER);
  });
  afterAll(() => room?.close());

  for (const [name, scenario] of Object.entries(CHAIN_SCENARIOS)) {
    const path = pathOf("group", name);
    test.runIf(inject("anew") || !existsSync(path))(name, async () => {
      const { workflow_id, run_id } = await scenario(room);
      await writeFile(path, await recordWorkflow(room, workflow_id, run_id));
    });
  }
});

describe("scheduledJob", () => {
  let room: GatewayRoom;
  let gates: CommitGates;
  let worker: WorkerProcess;
  beforeAll(async () => {
    room = await startGatewayRoom({ executions: "real", settings: { PLATEN_RECONCILE_MS: "300" } });
    gates = await createCommitGates(room.databaseUrl);
    worker = await startWorkerProcess(room);
  });
  afterAll(async () => {
    await worker?.kill();
    await gates?.end();
    await room?.close();
  });

  for (const [name, scenario] of Object.entries(SCHEDULE_SCENARIOS)) {
    const path = pathOf("scheduled-job", name);
    test.runIf(inject("anew") || !existsSync(path))(name, async () => {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, await recordWorkflow(room, await scenario(room, gates)));
    });
  }
});

function pathOf(folder: string, name: string): string {
  return fileURLToPath(new URL(`${folder}/${VERSION}-${name}.json`, import.meta.url));
}
