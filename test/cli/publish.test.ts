import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWorker, type RunningWorker } from "../../src/worker/create-worker.ts";
import { createDraft } from "../support/publishing.ts";
import { createCliRoom, type CliRoom } from "./publishing-room.ts";
import { makeSmallFolder, SMALL_TILES } from "./small-folder.ts";

let room: CliRoom;
let worker: RunningWorker;

beforeAll(async () => {
  room = await createCliRoom();
  worker = await startWorker({ config: room.config, log: room.deps.log, stores: room.stores });
});
afterAll(async () => {
  await worker?.stop();
  await room?.close();
});

const draft = async (options = {}): Promise<string> => (await createDraft(room, options)).project;

describe("publish --watch", () => {
  it("shows each step once and in order, and the address of what is live then", async () => {
    const folder = await makeSmallFolder();
    await room.platen(["import", folder]);
    await rm(folder, { recursive: true });
    const { code, stdout, stderr } = await room.platen(["publish", "small-town", "--env", "dev", "--watch"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const steps = stdout.match(/^✓ .* {2}\d+ %$/gm);
    expect(steps).toEqual([
      "✓ Validate the version  10 %",
      "✓ Generate release.json  30 %",
      "✓ Upload release and tiles  50 %",
      "✓ Verify tiles  80 %",
      "✓ Mark published  100 %",
    ]);
    expect(stdout).toContain(`✓ completed: 2 overlays, ${SMALL_TILES} tiles, release rel_`);
    const address = `${room.url}/dev/small-town/release.json`;
    expect(stdout).toContain(address);
    expect(await (await fetch(address)).json()).toMatchObject({ project: "small-town", version: 1 });
  });

  it("with --json prints the accepted job, then every event as a line, the final one last", async () => {
    const { code, json } = await room.platen(["publish", await draft(), "--env", "staging", "--watch", "--json"]);
    expect(code).toBe(0);
    const [accepted, ...events] = json();
    expect(accepted).toMatchObject({ job_id: expect.stringMatching(/^job_/), status: "queued" });
    expect(events.filter(({ event }) => event === "job-complete")).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({
      event: "job-complete",
      data: { result: { release_url: expect.any(String) } },
    });
    const ids = events.flatMap(({ id }) => (id === undefined ? [] : [Number(id)]));
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("of a version that cannot be published ends with every problem, as validate tells them", async () => {
    const project = await draft({
      overlays: [{ ref: "twice" }, { ref: "twice" }, { ref: "thrice" }, { ref: "thrice" }],
    });
    const checked = await room.platen(["validate", project]);
    expect(checked).toMatchObject({ code: 1, stderr: "" });
    const problems = checked.stdout.match(/^ {2}\/overlays\/.*$/gm) ?? [];
    expect(problems).toHaveLength(2);
    const { code, stdout } = await room.platen(["publish", project, "--env", "dev", "--watch"]);
    expect(code).toBe(1);
    expect(stdout).toContain("✗ failed: The version has 2 problem(s)");
    for (const line of problems) expect(stdout).toContain(line);
  });

  it("of a version that lacks a part is refused at once, and no job is made", async () => {
    const project = await draft({ config: null });
    const { code, stdout, stderr } = await room.platen(["publish", project, "--env", "dev", "--watch"]);
    expect(stderr).toContain("  /config: ");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect((await room.platen(["jobs", "--project", project])).stdout).toBe("There are no such jobs.\n");
  });
});

it("publish of what is live already is refused with the server's sentence", async () => {
  const project = await draft();
  await room.platen(["publish", project, "--env", "dev", "--watch"]);
  const { code, stdout, stderr } = await room.platen(["publish", project, "--env", "dev"]);
  expect(stderr).toBe(`✗ Version 1 of ${project} is live in dev already.\nNothing is left to do.\n`);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  const told = await room.platen(["publish", project, "--env", "dev", "--json"]);
  expect(told.json()).toEqual([
    {
      error: {
        code: "already_live",
        message: `Version 1 of ${project} is live in dev already.`,
        action: "Nothing is left to do.",
        errors: [],
      },
    },
  ]);
});

it("validate says that a version can be published", async () => {
  const project = await draft();
  expect(await room.platen(["validate", project])).toMatchObject({
    code: 0,
    stdout: `✓ Version 1 of ${project} can be published.\n`,
  });
  expect((await room.platen(["validate", project, "--json"])).json()).toEqual([
    { project, version: 1, valid: true, errors: [] },
  ]);
});

it("jobs and releases list what was done, for people and for machines", async () => {
  const project = await draft();
  for (const env of ["dev", "staging"]) await room.platen(["publish", project, "--env", env, "--watch"]);
  const jobs = await room.platen(["jobs", "--project", project, "--status", "completed"]);
  expect(jobs.stdout.trim().split("\n")).toEqual([
    expect.stringMatching(new RegExp(`^job_\\w{32}  ✓ completed .* 100 %  .* UTC  ${project} v1 → staging$`)),
    expect.stringMatching(new RegExp(`${project} v1 → dev$`)),
  ]);
  expect((await room.platen(["jobs", "--project", project, "--limit", "1", "--json"])).json()).toMatchObject([
    { project, environment: "staging", status: "completed" },
  ]);
  expect((await room.platen(["jobs", "--project", project, "--status", "failed"])).stdout).toBe(
    "There are no such jobs.\n",
  );
  expect((await room.platen(["releases", project])).stdout).toMatch(
    /^rel_\S+ {2}v1 {2}\S+Z {2}live in dev, staging\n$/,
  );
});

it("a project or job that does not exist is told", async () => {
  const calls = [
    ["validate", "atlantis"],
    ["publish", "atlantis", "--env", "dev"],
    ["releases", "atlantis"],
  ];
  for (const args of calls) {
    const { code, stderr } = await room.platen(args);
    expect(stderr).toContain("There is no project atlantis.");
    expect(code).toBe(1);
  }
  for (const args of [
    ["watch", "job_1"],
    ["cancel", "job_1"],
  ]) {
    const { code, stderr } = await room.platen(args);
    expect(stderr).toContain("There is no job job_1.");
    expect(code).toBe(1);
  }
});
