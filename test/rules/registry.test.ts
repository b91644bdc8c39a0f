/** The two registries against the table of job types and the files: what is started by name must exist under that name. */
import { basename, join } from "node:path";
import { expect, expectTypeOf, test } from "vitest";
import { createActivities } from "../../activities/index.ts";
import type { ActivityDeps } from "../../activities/activity-deps.ts";
import { JOB_TYPES, type JobType } from "../../contract/job-types.ts";
import type { JobInput } from "../../contract/job-input.ts";
import { SCHEDULED_RUN } from "../../contract/schedule.ts";
import { WORKFLOWS } from "../../contract/workflows.ts";
import type { PublishInput } from "../../contract/publish.ts";
import * as workflows from "../../workflows/index.ts";
import { ROOT, sourceFiles } from "./source-files.ts";

/** Publishing is about a project, a version and an environment for certain; any other workflow takes what every job has. */
type Input<T extends JobType> = T extends "publish" ? PublishInput : JobInput;
type Implemented = { [T in JobType as (typeof JOB_TYPES)[T]["workflow"]]: (input: Input<T>) => Promise<object> };

test("workflows/index.ts exports the workflow of every job type, with its input, that of schedules, and nothing else", () => {
  expectTypeOf<typeof workflows>().toExtend<Implemented>();
  const ofTypes = Object.values(JOB_TYPES).map((type): string => type.workflow);
  expect(Object.keys(workflows).toSorted()).toEqual([...ofTypes, SCHEDULED_RUN].toSorted());
});

test("the contract names every workflow that there is: the gate before a deployment asks for those", () => {
  expect(WORKFLOWS.toSorted()).toEqual(Object.keys(workflows).toSorted());
});

test("each job type has a workflow of its own", () => {
  const names = Object.values(JOB_TYPES).map((type) => type.workflow);
  expect(new Set(names).size).toBe(names.length);
});

const files = sourceFiles()
  .map(({ path }) => path)
  .filter((path) => /^activities\/[^/]+\//.test(path));
// Nothing is called: the names are looked at.
const activities: Record<string, unknown> = createActivities({} as ActivityDeps);

test("each step names an activity that there is, and no two steps of a type the same", () => {
  expect(Object.values(JOB_TYPES).flatMap(({ label, steps }) => stepProblems(label, steps))).toEqual([]);
});

test("rejected: a step whose activity does not exist, and an activity that is two steps", () => {
  const steps = [
    { name: "check", activity: "checkLinks" },
    { name: "upload", activity: "upload" },
    { name: "upload_again", activity: "upload" },
  ];
  expect(stepProblems("Links", steps)).toEqual([
    "Links: check is no activity: checkLinks",
    "Links: upload_again is upload once more",
  ]);
});

test("each activity has one file of its name, over all jobs", () => {
  expect(activityProblems(Object.keys(activities), files)).toEqual([]);
});

test("a file exports the function of its name exactly if it is an activity", async () => {
  const exporting: string[] = [];
  for (const path of files) {
    const module = (await import(join(ROOT, path))) as Record<string, unknown>;
    if (typeof module[nameOf(path)] === "function") exporting.push(nameOf(path));
  }
  expect(exporting.toSorted()).toEqual(Object.keys(activities).toSorted());
});

test("rejected: an activity without a file, and one whose file name two jobs have", () => {
  expect(activityProblems(["upload"], ["activities/publish/up-load.ts"])).toEqual(["upload has 0 files"]);
  const both = ["activities/publish/upload.ts", "activities/bulk-import/upload.ts"];
  expect(activityProblems(["upload"], both)).toEqual(["upload has 2 files"]);
});

/** `verify-tiles.ts` → `verifyTiles` */
const nameOf = (path: string): string =>
  basename(path, ".ts").replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

function stepProblems(type: string, steps: readonly { name: string; activity: string }[]): string[] {
  return steps.flatMap(({ name, activity }, at) => {
    if (!Object.hasOwn(activities, activity)) return [`${type}: ${name} is no activity: ${activity}`];
    const isTwice = steps.findIndex((step) => step.activity === activity) < at;
    return isTwice ? [`${type}: ${name} is ${activity} once more`] : [];
  });
}

function activityProblems(names: string[], paths: string[]): string[] {
  return names.flatMap((name) => {
    const count = paths.filter((path) => nameOf(path) === name).length;
    return count === 1 ? [] : [`${name} has ${count} files`];
  });
}
