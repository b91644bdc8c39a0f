/** The run's Temporal server, as a test file sees it. */
import { randomBytes } from "node:crypto";
import { Client, Connection } from "@temporalio/client";
import { inject } from "vitest";

export interface TestTemporal {
  address: string;
  namespace: string;
  client: Client;
  /** Begins every task queue of the file (`PLATEN_TASK_QUEUE_PREFIX`), so that files never work on each other's tasks. */
  taskQueuePrefix: string;
  close(): Promise<void>;
}

/** Connects: `beforeAll(async () => { temporal = await testTemporal(); })`. */
export async function testTemporal(): Promise<TestTemporal> {
  const { address, namespace } = inject("servers").temporal;
  const connection = await Connection.connect({ address });
  return {
    address,
    namespace,
    client: new Client({ connection, namespace }),
    taskQueuePrefix: `test-${randomBytes(6).toString("hex")}-`,
    close: () => connection.close(),
  };
}
