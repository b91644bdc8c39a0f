import { afterAll, beforeAll, expect, it } from "vitest";
import { createReconciler, type Reconciler } from "../../src/jobs/reconcile.ts";
import { startWorker, type RunningWorker } from "../../src/worker/create-worker.ts";
import { sourceTile } from "../support/chaos-room.ts";
import { damageTile } from "../support/damaged-tile.ts";
import { createDraft } from "../support/publishing.ts";
import { createCliRoom, type CliRoom } from "./publishing-room.ts";

let room: CliRoom;
let worker: RunningWorker;
let reconciler: Reconciler;

beforeAll(async () => {
  room = await createCliRoom();
  worker = await startWorker({ config: room.config, log: room.deps.log, stores: room.stores });
  // A run that has failed may be open for a moment yet: then the retry waits in the row until a reconciler starts it.
  reconciler = createReconciler(room.deps, { everyMs: 100, quietMs: 0 });
});
afterAll(async () => {
  await reconciler?.stop();
  await worker?.stop();
  await room?.close();
});

/** A publish that was watched until it failed in its upload. */
async function failedInUpload() {
  const draft = await createDraft(room);
  const mend = await damageTile(await sourceTile(room, draft, 1));
  const watched = await room.platen(["publish", draft.project, "--env", "dev", "--watch"]);
  const [job = ""] = /job_\w{32}/.exec(watched.stdout) ?? [];
  return { ...draft, job, mend, watched };
}

it("a publish that fails names the command that tries it again, which goes on behind what had finished", async () => {
  const { project, job, mend, watched } = await failedInUpload();
  expect(watched.code).toBe(1);
  expect(watched.stdout.trimEnd().split("\n").at(-1)).toBe(
    `Try it again with \`platen retry ${job}\`; with --preview it tells what would run again.`,
  );
  await mend();
  const { code, stdout, stderr } = await room.platen(["retry", job, "--watch"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^Retried by Ada from upload \(generation 2\)\.\n/);
  expect(stdout).toContain(`${room.url}/dev/${project}/release.json`);
  const again = await room.platen(["retry", job]);
  expect(again).toMatchObject({ code: 1, stdout: "" });
  expect(again.stderr).toMatch(/^✗ Job \S+ is completed; only failed and cancelled jobs can be retried\.\n/);
});

it("--preview tells what would run again, for people and for machines, and starts nothing", async () => {
  const { project, job } = await failedInUpload();
  const { code, stdout } = await room.platen(["retry", job, "--preview"]);
  expect(code).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  expect(lines[0]).toBe(`Generation 2 would begin at upload: ${project} v1 → dev`);
  expect(lines.slice(1, 6).map((line) => line.replace(/ {2}(reused|runs {2}) {2}.*/, " $1").trim())).toEqual([
    "✓ validate         reused",
    "✓ generate_release reused",
    "▸ upload           runs",
    "▸ verify_tiles     runs",
    "▸ mark_published   runs",
  ]);
  expect(lines[3]).toMatch(
    /It failed here\. \d+ tiles are looked for at the destination; only what is missing is sent\.$/,
  );
  expect(lines[6]).toMatch(/^ {2}Reused: 2 steps · 2 overlays in \d+ B of release\.json$/);
  expect(lines[7]).toMatch(/^ {2}Again: {2}3 steps · upload of (\d+) tiles \(\d\.\d kB\) · verification of \1 tiles$/);
  expect(lines[8]).toMatch(/^ {2}Live in dev: nothing; it becomes rel_\S+ \(v1, epoch 1\)$/);
  const [told] = (await room.platen(["retry", job, "--preview", "--json"])).json();
  expect(told).toMatchObject({ allowed: true, from: "upload", generation: 2, reuse: { steps: 2 } });
  expect((await room.platen(["jobs", "--project", project, "--json"])).json()).toMatchObject([
    { status: "failed", generation: 1 },
  ]);
});

it("--preview of a group tells which members stay, which run again, and which come after them", async () => {
  const { project } = await createDraft(room, { config: null });
  const nothing = { type: "maintenance", payload: { dry_run: true } };
  const members = [
    { key: "clean", ...nothing },
    { key: "live", type: "publish", payload: { project, version: 1, target_environment: "dev" } },
    { key: "after", ...nothing, depends_on: ["live"] },
  ];
  const payload = JSON.stringify({ members, on_failure: "continue" });
  const watched = await room.platen(["start", "group", "--payload", payload, "--watch"]);
  const [job = ""] = /job_\w{32}/.exec(watched.stdout) ?? [];
  const { code, stdout } = await room.platen(["retry", job, "--preview"]);
  expect(code).toBe(0);
  expect(stdout.trimEnd().split("\n")).toEqual([
    "Generation 2 would begin at run_members",
    "  ▸ run_members  runs    1 of 3 members is done and stays; 1 runs again, 1 has not been begun.",
    "  Reused: 0 steps · 1 member",
    "  Again:  1 step · 2 members",
    "  Done:      clean",
    "  Run again: live",
    "  Not begun: after",
  ]);
});

it("--from begins earlier, and is refused with the step that is in the way where it cannot be", async () => {
  const { job } = await failedInUpload();
  const later = await room.platen(["retry", job, "--from", "verify_tiles"]);
  expect(later).toMatchObject({ code: 1, stdout: "" });
  expect(later.stderr).toMatch(/cannot begin at verify_tiles: upload has not finished\.\nBegin at upload or a step/);
  const refused = await room.platen(["retry", job, "--from", "verify_tiles", "--preview"]);
  expect(refused.code).toBe(1);
  expect(refused.stdout).toMatch(/^✗ It would be refused: A retry of job \S+ cannot begin at verify_tiles/);
  const earlier = await room.platen(["retry", job, "--from", "validate", "--json"]);
  expect(earlier.json()).toMatchObject([{ generation: 2, from: "validate", status: "queued" }]);
});
