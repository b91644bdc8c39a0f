import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createReplayer, type HistoryToReplay, type ReplayResult } from "../../src/replay/create-replayer.ts";
import { quietRuntime } from "../../src/replay/quiet-runtime.ts";
import { recordings } from "../rules/replay-histories.ts";
import { copySource, type SourceCopy } from "./source-copy.ts";

const recorded = recordings("publish");
let copy: SourceCopy;
beforeAll(quietRuntime);
afterAll(() => copy?.close());

async function replayed(
  scenario: string,
  changes: [file: string, from: string, to: string][],
): Promise<HistoryToReplay & ReplayResult> {
  await copy?.close();
  copy = await copySource();
  for (const change of changes) await copy.change(...change);
  const replay = await createReplayer({ workflowsPath: copy.path("workflows/index.ts") });
  const one = recorded.find(({ name }) => name.endsWith(scenario))!;
  for await (const result of replay([{ workflow_id: "publish-1", history: one.history }])) return result;
  throw new Error("no result");
}

const lineOf = (place: string | null): string => (place ?? "").replace(`${copy.folder}/`, "");
const PUBLISH = "workflows/publish.ts";
const RUN_JOB = "workflows/run-job.ts";
const TIMER = `await new Promise((resolve) => setTimeout(resolve, 1_000));`;

describe("a change that would break a run is told by its event, both sides and the source line", () => {
  const table: Record<string, { scenario: string; changes: [string, string, string][]; is: object; at?: RegExp }> = {
    "an activity of another name": {
      scenario: "completed",
      changes: [[PUBLISH, `proxy("upload", eagerly.writing)`, `proxy("send" as "upload", eagerly.writing)`]],
      is: { event_id: 17, history: "the activity upload was scheduled", code: "it scheduled the activity send" },
      at: /^workflows\/publish\.ts:37$/,
    },
    "a timer before the first step": {
      scenario: "completed",
      changes: [[RUN_JOB, "  try {", `  ${TIMER}\n  try {`]],
      is: { event_id: 5, history: "the activity validate was scheduled", code: "it started the timer 1" },
    },
    "a timer beside a step, which comes too early": {
      scenario: "completed",
      changes: [[PUBLISH, `    await step("verify_tiles"`, `    ${TIMER}\n    await step("verify_tiles"`]],
      is: { event_id: 23, history: "the activity verifyTiles was scheduled", code: "it started the timer 1" },
    },
    "a step less": {
      scenario: "completed",
      changes: [
        [PUBLISH, `    await step("verify_tiles", () =>`, `    void (() =>`],
        [PUBLISH, "tiles`), [all]),\n    );\n    const result", "tiles`), [all])\n    );\n    const result"],
      ],
      is: {
        event_id: 23,
        history: "the activity verifyTiles was scheduled",
        code: "it scheduled the activity markPublished",
      },
    },
    "an end where the old code went on": {
      scenario: "failed-in-validate",
      changes: [
        [
          RUN_JOB,
          "    const ended = failureOf(error);",
          "    if (error) throw error;\n    const ended = failureOf(error);",
        ],
      ],
      is: { event_id: 11, history: "the activity settle was scheduled", code: "it failed" },
    },
    "a patch that no history has, without asking whether it is there": {
      scenario: "completed",
      changes: [
        [RUN_JOB, "TemporalFailure, workflowInfo }", "TemporalFailure, workflowInfo, deprecatePatch, sleep }"],
        [RUN_JOB, "  try {", `  deprecatePatch("waits");\n  await sleep(5);\n  try {`],
      ],
      is: { event_id: 5, history: "the activity validate was scheduled" },
    },
  };
  it.each(Object.entries(table))("%s", async (_, { scenario, changes, is, at }) => {
    const { divergence } = await replayed(scenario, changes);
    expect(divergence).toMatchObject({ kind: "nondeterminism", ...is });
    expect(divergence?.reason).toMatch(/^\[TMPRL1100\] /);
    if (at) expect(lineOf(divergence!.place)).toMatch(at);
  });
});

it("code that cannot go on at all is told as that", async () => {
  const { divergence } = await replayed("completed", [[RUN_JOB, "  try {", `  null.x;\n  try {`]]);
  expect(divergence).toMatchObject({ kind: "error", event_id: 3 });
  expect(divergence?.reason).toMatch(/Cannot read properties of null/);
});

it("what is behind patched() is no change to a run that began before it", async () => {
  const { divergence } = await replayed("completed", [
    [RUN_JOB, "TemporalFailure, workflowInfo }", "TemporalFailure, workflowInfo, patched, sleep }"],
    [RUN_JOB, "  try {", `  if (patched("waits")) await sleep(5);\n  try {`],
  ]);
  expect(divergence).toBeNull();
});

it("the code of today says on which line it asked for each step", async () => {
  const { commands, divergence } = await replayed("completed", []);
  expect(divergence).toBeNull();
  const asked = [...commands.values()].flat().filter(({ kind }) => kind === "activity");
  expect(asked.map(({ name }) => name)).toEqual([
    "validate",
    "generateRelease",
    "upload",
    "verifyTiles",
    "markPublished",
  ]);
  for (const { place } of asked) expect(lineOf(place)).toMatch(/^workflows\/publish\.ts:\d+$/);
});
