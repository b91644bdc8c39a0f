/** A workflow task that fails over and over is told in the job, with why and what to do, and so is its end. */
import { bundleWorkflowCode, DefaultLogger } from "@temporalio/worker";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLog } from "../../src/log.ts";
import { startWorker } from "../../src/worker/create-worker.ts";
import { createChaosRoom, expectReleasedOnce, expectSoundLedger, type ChaosRoom } from "../support/chaos-room.ts";
import { jobRow, ledger, SMALL, until } from "../support/publishing.ts";

const STUCK_MS = 30_000;

let room: ChaosRoom;

beforeAll(async () => {
  room = await createChaosRoom();
  room.reconcile(1_000);
});
afterAll(() => room?.close());

describe("a job whose workflow cannot be replayed", { timeout: 180_000 }, () => {
  it("is told to be stuck within 30 seconds, and not to be any more once workers can go on", async () => {
    const worker = await room.worker();
    const draft = await room.draft({ descriptor: SMALL });
    const { job, gate } = await room.publishUpTo(draft, "generate_release done");
    await worker.kill();
    await gate.open();

    const began = Date.now();
    const changed = await startWorker({
      config: room.config,
      log: createLog("changed", "silent"),
      bundle: await bundleWorkflowCode({
        workflowsPath: fileURLToPath(new URL("../rules/fixtures/changed-publish.ts", import.meta.url)),
        logger: new DefaultLogger("ERROR"),
      }),
      maxCachedWorkflows: 0,
    });
    const row = await until(
      "the job to be stuck",
      async () => {
        const found = await jobRow(room, job);
        return found.attention?.code === "stuck" && found;
      },
      90_000,
    );
    const { message = "", since = "" } = row.attention ?? {};
    const took = Date.now() - Date.parse(since);
    console.log(`stuck: told ${(took / 1_000).toFixed(1)} s after the task failed first: ${message}`);
    expect(row.status).toBe("running");
    expect(message).toContain("NON_DETERMINISTIC_ERROR");
    expect(message).toContain("Deploy workers whose code can go on");
    expect(Date.parse(since)).toBeGreaterThan(began - 5_000);
    expect(took).toBeLessThan(STUCK_MS + 5_000);

    await changed.stop();
    await room.worker();
    expect(await room.ended(job, 90_000)).toMatchObject({ status: "completed", generation: 1, attention: null });
    const noted = (await ledger(room, job)).filter(({ data }) => data["attention"] === "stuck");
    expect(noted.map(({ data }) => data["level"])).toEqual(["warn", "info"]);
    await expectReleasedOnce(room, draft, [job]);
    await expectSoundLedger(room, job, ["completed"]);
  });
});
