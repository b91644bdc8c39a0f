import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { WORKFLOWS } from "../../contract/workflows.ts";
import { isThrottled } from "../../contract/permits.ts";
import { attributesOf, typeOf, type History } from "../../src/replay/history.ts";
import { quietRuntime } from "../../src/replay/quiet-runtime.ts";
import { CHAIN_SCENARIOS } from "../histories/chain-scenarios.ts";
import { SAMPLE_SCENARIOS } from "../histories/sample-scenarios.ts";
import { SCHEDULE_SCENARIOS } from "../histories/schedule-scenarios.ts";
import { SCENARIOS, VERSION } from "../histories/scenarios.ts";
import { SAMPLES } from "../support/job-samples/index.ts";
import { longScheduleRun } from "./long-schedule-run.ts";
import { createReplayer, prefixes, recordings } from "./replay-histories.ts";
import { ROOT } from "./source-files.ts";

const folderOf = (workflow: string): string => workflow.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

beforeAll(quietRuntime);

describe.each(WORKFLOWS)("%s", (workflow) => {
  const recorded = recordings(folderOf(workflow));
  let replay: Awaited<ReturnType<typeof createReplayer>>;
  beforeAll(async () => {
    replay = await createReplayer(join(ROOT, "workflows/index.ts"));
  });

  test("has histories (docs/replay.md says how to record one)", () => {
    expect(recorded.map(({ name }) => name)).not.toEqual([]);
  });

  test("every history replays", async () => {
    expect(await replay(recorded)).toEqual({});
  });

  test("every history replays on a worker that caches nothing", async () => {
    expect(await replay(recorded, { maxCachedWorkflows: 0 })).toEqual({});
  });

  test("every history replays up to each of its workflow tasks", async () => {
    expect(await replay(recorded.flatMap(prefixes))).toEqual({});
  });
});

test("every way through a publish that can be recorded is, with the version that this is", () => {
  const names = recordings("publish").map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(Object.keys(SCENARIOS).map((scenario) => `${VERSION}-${scenario}`)));
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  expect(version).toMatch(new RegExp(String.raw`^${VERSION.replace(".", String.raw`\.`)}\.`));
});

test("every way of a schedule's run is recorded, too", () => {
  const names = recordings("scheduled-job").map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(Object.keys(SCHEDULE_SCENARIOS).map((each) => `${VERSION}-${each}`)));
});

test("a group that continues as new is recorded, with the run that goes on", () => {
  const names = recordings("group").map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(Object.keys(CHAIN_SCENARIOS).map((each) => `${VERSION}-${each}`)));
});

test.each(Object.values(SAMPLES))(
  "every way that a job of type $type goes through its workflow is recorded, too",
  (sample) => {
    const names = recordings(sample.type.replaceAll("_", "-")).map(({ name }) => name);
    const impossible = [
      ...(sample.failing ? [] : ["failed"]),
      ...(isThrottled(sample.type) ? [] : ["waits-for-permit"]),
    ];
    const wanted = Object.keys(SAMPLE_SCENARIOS).filter((scenario) => !impossible.includes(scenario));
    expect(names).toEqual(expect.arrayContaining(wanted.map((scenario) => `${VERSION}-${scenario}`)));
  },
);

test("a schedule's run goes on in another after as many looks as it has always had", { timeout: 120_000 }, async () => {
  const replay = await createReplayer(join(ROOT, "workflows/index.ts"));
  const run = (looks: number) => ({ name: `${looks} looks`, history: longScheduleRun(looks) });
  // No other number will do: so a change of it is seen.
  const faults = await replay([run(399), run(400), run(401)]);
  expect(Object.keys(faults)).toEqual(["399 looks", "401 looks"]);
});

/** The activities that a history has scheduled, in order. */
const scheduled = ({ events }: History): { event: number; name: string }[] =>
  events
    .filter((event) => typeOf(event) === "ACTIVITY_TASK_SCHEDULED")
    .map((event) => ({ event: Number(event.eventId), name: attributesOf(event).activityType?.name ?? "" }));

describe("a change of publish", () => {
  const recorded = recordings("publish");
  const replayedWith = async (fixture: string): Promise<Record<string, string>> => {
    const replay = await createReplayer(join(ROOT, "test/rules/fixtures", fixture));
    return replay(recorded, { maxCachedWorkflows: 0 });
  };
  const goesOnAs = (history: History, code: string, at = 0): RegExp => {
    const { event, name } = scheduled(history)[at] ?? { event: 0, name: "" };
    return new RegExp(
      [
        `^This code diverges at event ${event}\\.`,
        `  history:   the activity ${name} was scheduled`,
        `  this code: ${code}(  \\(test/rules/fixtures/\\S+:\\d+\\))?`,
        String.raw`  \[TMPRL1100\] [^\n]+`,
        String.raw`[^\n]*Put the change behind .patched\("what-it-does"\).: CONTRIBUTING\.md#changing-a-live-workflow$`,
      ].join("\n"),
    );
  };

  test.each<[fixture: string, how: (history: History) => RegExp]>([
    ["changed-publish.ts", (history) => goesOnAs(history, "it started the timer 1")],
    [
      "reordered-publish.ts",
      // One that was retried from its upload begins with it; then this code is done, where the history goes on.
      (history) =>
        scheduled(history)[0]?.name === "upload"
          ? goesOnAs(history, "it completed", 1)
          : goesOnAs(history, "it scheduled the activity upload"),
    ],
  ])("rejected without patched(): %s, with each history, the event, both sides and the cure", async (fixture, how) => {
    const faults = await replayedWith(fixture);
    expect(Object.keys(faults)).toEqual(recorded.map(({ name }) => name));
    for (const { name, history } of recorded) expect(faults[name], name).toMatch(how(history));
  });

  test("passes with patched()", async () => {
    expect(await replayedWith("patched-publish.ts")).toEqual({});
  });
});
