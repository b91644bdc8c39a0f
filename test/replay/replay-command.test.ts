import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isFinal } from "../../contract/job-state.ts";
import { readableJobId, workflowId } from "../../contract/workflow-id.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { temporalError } from "../../src/cli/replay/temporal-error.ts";
import { readHistoryText } from "../../src/replay/history-file.ts";
import { createHistories } from "../../src/replay/read-history.ts";
import { startWorker, type RunningWorker } from "../../src/worker/create-worker.ts";
import { createCliRoom, type CliRoom } from "../cli/publishing-room.ts";
import { runPlaten } from "../cli/run-platen.ts";
import { reset, workflowResult } from "../support/operator.ts";
import { SAMPLES } from "../support/job-samples/index.ts";
import { startSample } from "../support/job-samples/sample.ts";
import { createDraft, jobRow, queueJob, SMALL, until } from "../support/publishing.ts";
import { copySource } from "./source-copy.ts";

let room: CliRoom;
let worker: RunningWorker;
let folder: string;
/** Of a draft without a config: it fails in validate. */
let failed: string;
beforeAll(async () => {
  room = await createCliRoom();
  folder = await mkdtemp(join(tmpdir(), "platen-bundles-"));
  const config = { ...room.config, PLATEN_BUILD_ID: "0.2.0-tested" };
  worker = await startWorker({ config, log: room.deps.log, stores: room.stores });
  failed = await queueJob(room, await createDraft(room, { config: null }));
  await startJob(room.deps, failed, 1);
  await until("the publish to fail", async () => (await jobRow(room, failed)).status === "failed");
  await workflowResult(room, failed).catch(() => undefined);
});
afterAll(async () => {
  await worker?.stop();
  await room?.close();
  if (folder) await rm(folder, { recursive: true });
});

const direct = () => ["--temporal", room.temporal.address];
const nowhere = "http://127.0.0.1:9";

describe("platen replay", { timeout: 120_000 }, () => {
  it("fetches a failed publish through the gateway, saves it for its owner alone, and tells what happened", async () => {
    const { code, stdout, stderr } = await room.platen(["replay", readableJobId(failed)], { cwd: folder });
    expect(stderr).toBe("");
    expect(stdout).toContain("Through the gateway at ");
    expect(stdout).toContain("decided by build 0.2.0-tested");
    expect(stdout).toMatch(/▸ Validate the version \(validate\) scheduled: .*\(workflows\/publish\.ts:\d+\)/);
    expect(stdout).toMatch(
      /✗ Validate the version \(validate\) failed after .*: version_invalid: .*The version has no config/,
    );
    expect(stdout).toMatch(/✓ This code decides what the history says: \d+ events replayed\./);
    expect(code).toBe(0);
    const path = join(folder, `${readableJobId(failed)}.platen-replay.json`);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const { bundle } = readHistoryText(await readFile(path, "utf8"));
    expect(bundle).toMatchObject({
      ...{ format: "platen-replay/1", workflow_id: workflowId("publish", failed), ran_by: ["0.2.0-tested"] },
      job: { id: failed, status: "failed", error_code: "version_invalid" },
      runs: [{ status: "FAILED" }],
    });
  });

  it("the bundle replays in a clone, with no server and nothing in the environment", async () => {
    const clone = await copySource();
    try {
      const path = join(folder, `${readableJobId(failed)}.platen-replay.json`);
      const args = [clone.path("src/cli/main.ts"), "replay", "--bundle", path];
      const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: "/", env: {} });
      expect(stdout).toMatch(/✓ This code decides what the history says/);
      await clone.change("workflows/publish.ts", "reading.validate.execute", "reading.verifyTiles.execute");
      const changed = await promisify(execFile)(process.execPath, args, { cwd: "/", env: {} }).catch(
        (error: unknown) => error,
      );
      expect(changed).toMatchObject({ code: 1 });
      const { stdout: told } = changed as { stdout: string };
      expect(told).toContain("This code diverges at event 5.");
      expect(told).toContain("history:   the activity validate was scheduled");
      expect(told).toMatch(/this code: it scheduled the activity verifyTiles {2}\(workflows\/publish\.ts:\d+\)/);
      expect(told).toContain("CONTRIBUTING.md#changing-a-live-workflow");
    } finally {
      await clone.close();
    }
  });

  it("asks Temporal itself where it is named, by any name of the job, also without a gateway", async () => {
    const { namespace } = room.temporal;
    const url = `http://ui.test/namespaces/${namespace}/workflows/${workflowId("publish", failed)}`;
    for (const name of [failed, workflowId("publish", failed), url]) {
      const save = join(folder, "direct.json");
      const args = ["replay", name, "--save", save, "--json", ...direct()];
      const { code, json, stderr } = await runPlaten(args, { env: { PLATEN_SERVER: nowhere, PLATEN_API_KEY: "none" } });
      expect(stderr).toBe("");
      expect(json()).toMatchObject([
        { workflow_id: workflowId("publish", failed), bundle: save, replayed: true, divergence: null },
      ]);
      expect(code).toBe(0);
      expect(readHistoryText(await readFile(save, "utf8")).bundle).toMatchObject({ job: null });
    }
  });

  it.each(Object.values(SAMPLES))("a job of type $type is found by its id alone, too", async (sample) => {
    const draft = await createDraft(room, { descriptor: SMALL });
    const id = await startSample(room, draft, { type: sample.type, payload: await sample.happy(room, draft) });
    await until("it to end", async () => isFinal((await jobRow(room, id)).status));
    const args = ["replay", readableJobId(id), "--save", join(folder, "typed.json"), "--json", ...direct()];
    const { code, json, stderr } = await runPlaten(args, { env: { PLATEN_SERVER: nowhere, PLATEN_API_KEY: "none" } });
    expect(stderr).toBe("");
    expect(json()).toMatchObject([{ workflow_id: workflowId(sample.type, id), replayed: true }]);
    expect(code).toBe(0);
  });

  it("replays the run that is asked for; the current one by default", async () => {
    const id = await queueJob(room, await createDraft(room));
    await startJob(room.deps, id, 1);
    await workflowResult(room, id);
    const first = (await jobRow(room, id)).run_id!;
    const second = await reset(room, id, "markPublished");
    await workflowResult(room, id);
    await until("the reset run to be the job's", async () => (await jobRow(room, id)).run_id === second);
    const run = async (...args: string[]) =>
      (await room.platen(["replay", id, "--json", ...args], { cwd: folder })).json();
    expect(await run()).toMatchObject([{ run_id: second, replayed: true }]);
    expect(await run("--run", first)).toMatchObject([{ run_id: first, replayed: true }]);
  });

  it("replays a downloaded history, and makes a bundle of it to be passed on", async () => {
    const events = join(folder, "events.json");
    const pages = createHistories({ ...room.temporal, pageSize: 3 });
    try {
      const run = await pages.find(workflowId("publish", failed));
      const found = [];
      const sizes: number[] = [];
      for await (const page of pages.pages(run!)) {
        sizes.push(page.length);
        found.push(...page);
      }
      // The server never cuts what it wrote at once.
      expect(sizes.length).toBeGreaterThan(2);
      expect(found.map(({ eventId }) => Number(eventId))).toEqual(found.map((_, at) => at + 1));
      await writeFile(events, JSON.stringify(found));
    } finally {
      await pages.close();
    }
    const { code, stdout } = await runPlaten(["replay", events, "--save", join(folder, "passed-on.json")]);
    expect(stdout).toMatch(/Wrote .*passed-on\.json/);
    expect(code).toBe(0);
    expect((await runPlaten(["replay", "--bundle", join(folder, "passed-on.json")])).code).toBe(0);
  });

  it("says what is wrong with what it is given", async () => {
    const table: [args: string[], code: number, says: RegExp][] = [
      [["replay"], 2, /Name a job, or a file/],
      [["replay", "town"], 2, /town is no job, no workflow, no page of the Temporal Web UI, and no file/],
      [["replay", "--bundle", join(folder, "none.json")], 1, /none\.json cannot be replayed: ENOENT/],
      [["replay", "01a20723-4cd2-7355-a091-deab55d15b2a"], 1, /There is no job 01a20723/],
      [
        ["replay", "01a20723-4cd2-7355-a091-deab55d15b2a", ...direct()],
        1,
        /Temporal knows no workflow of the job 01a20723-4cd2-7355-a091-deab55d15b2a, of whatever type\./,
      ],
      [
        ["replay", "bulk_import-01a20723-4cd2-7355-a091-deab55d15b2a", ...direct()],
        1,
        /Temporal knows no workflow bulk_import-01a20723-4cd2-7355-a091-deab55d15b2a\./,
      ],
      [["replay", failed, "--run", "01a20723-4ce2-78f9-a59c-eff324eb56c2"], 1, /Temporal has no history of publish-/],
      [["replay", failed, "--temporal", "127.0.0.1:9"], 3, /Temporal at 127\.0\.0\.1:9 cannot be reached/],
      [["replay", failed, "--run", "7"], 2, /It must be a run's id/],
      [["replay", failed, "--bundle", "x", "--save", "y"], 2, /cannot be used with/],
      [["replay", failed, "--bundle", "x"], 2, /Name either .* or a file with --bundle/],
      [["replay", failed, ...direct(), "--namespace", "nowhere"], 1, /has no namespace nowhere/],
      [
        [
          "replay",
          `http://ui.test/namespaces/${room.temporal.namespace}/workflows/publish-${failed}`,
          ...direct(),
        ].concat(["--namespace", "nowhere"]),
        1,
        /has no namespace nowhere/,
      ],
      [["gate", "--live", ...direct(), "--namespace", "nowhere"], 1, /has no namespace nowhere/],
    ];
    for (const [args, code, says] of table) {
      const ran = await room.platen(args, { cwd: folder });
      expect(ran.stderr).toMatch(says);
      expect(ran.code).toBe(code);
    }
  });

  it("a Temporal that goes away between two pages is unreachable, and no error of ours is taken for that", async () => {
    const address = { address: "127.0.0.1:9", namespace: "default", named: true };
    const histories = createHistories(address);
    try {
      const gone = await histories
        .pages({ workflow_id: "publish-1", run_id: "" })
        .next()
        .catch((error: unknown) => error);
      expect(temporalError(gone, address, "Try again.")).toMatchObject({ code: "temporal_unreachable", exit: 3 });
    } finally {
      await histories.close();
    }
    const ours = new TypeError("x is not a function");
    expect(temporalError(ours, address, "Try again.")).toBe(ours);
  });
});
