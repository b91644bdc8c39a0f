/** A worker of the product's task queue that has nothing to do once every workflow has begun. Settings: PLATEN_ variables. */
import { fileURLToPath } from "node:url";
import { NativeConnection, Worker } from "@temporalio/worker";
import { readConfig } from "../../src/config.ts";
import { taskQueue } from "../../src/temporal.ts";

const { PLATEN_TEMPORAL_ADDRESS: address, PLATEN_TEMPORAL_NAMESPACE: namespace } = readConfig();
const worker = await Worker.create({
  ...{ namespace, connection: await NativeConnection.connect({ address }) },
  taskQueue: taskQueue("publish", ""),
  workflowsPath: fileURLToPath(new URL("workflows.ts", import.meta.url)),
  // Without any it would not ask for activities, and the jobs would be told to be without a worker.
  activities: { idle: async () => undefined },
  // Thousands of workflows: none is ever asked again, but for those that the bench resets.
  maxCachedWorkflows: 20,
});
console.error("worker is running");
await worker.run();
