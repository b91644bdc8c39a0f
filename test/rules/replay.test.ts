import { join } from "node:path";
import { DefaultLogger, makeTelemetryFilterString, Runtime } from "@temporalio/worker";
import { beforeAll, describe, expect, test } from "vitest";
import { JOB_TYPES } from "../../contract/job-types.ts";
import { SCENARIOS, VERSION } from "../histories/scenarios.ts";
import { divergence, type RecordedEvent } from "./divergence.ts";
import { createReplayer, prefixes, recordings, type Recording } from "./replay-histories.ts";
import { ROOT } from "./source-files.ts";

const folderOf = (workflow: string): string =>
  join(
    ROOT,
    "test/histories",
    workflow.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
  );

// Each replay worker would log its every change of state, and each rejection that is wanted.
beforeAll(() => {
  const filter = makeTelemetryFilterString({ core: "ERROR", other: "ERROR" });
  Runtime.install({ logger: new DefaultLogger("ERROR"), telemetryOptions: { logging: { filter } } });
});

/** The SDK's messages in the gate's words. */
function tell(faults: Record<string, string>, recorded: Recording[]): Record<string, string> {
  const told = Object.entries(faults).map(([name, error]) => {
    const events = recorded.find((each) => each.name === name)?.history.events ?? [];
    return [name, divergence(error, { name, events: events as RecordedEvent[] })];
  });
  return Object.fromEntries(told) as Record<string, string>;
}

describe.each(Object.values(JOB_TYPES).map(({ workflow }) => workflow))("%s", (workflow) => {
  const recorded = recordings(folderOf(workflow));
  let replay: Awaited<ReturnType<typeof createReplayer>>;
  beforeAll(async () => {
    replay = await createReplayer(join(ROOT, "workflows/index.ts"));
  });

  test("has histories (docs/replay.md says how to record one)", () => {
    expect(recorded.map(({ name }) => name)).not.toEqual([]);
  });

  test("every history replays", async () => {
    expect(tell(await replay(recorded), recorded)).toEqual({});
  });

  test("every history replays on a worker that caches nothing", async () => {
    expect(tell(await replay(recorded, { maxCachedWorkflows: 0 }), recorded)).toEqual({});
  });

  test("every history replays up to each of its workflow tasks", async () => {
    const cut = recorded.flatMap(prefixes);
    expect(tell(await replay(cut), cut)).toEqual({});
  });
});

test("every way through a publish that can be recorded is", () => {
  const names = recordings(folderOf("publish")).map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(Object.keys(SCENARIOS).map((scenario) => `${VERSION}-${scenario}`)));
});

describe("a change of publish", () => {
  const recorded = recordings(folderOf("publish"));
  const replayedWith = async (fixture: string): Promise<Record<string, string>> => {
    const replay = await createReplayer(join(ROOT, "test/rules/fixtures", fixture));
    const faults = await replay(recorded, { maxCachedWorkflows: 0 });
    return tell(faults, recorded);
  };

  test.each([
    [
      "changed-publish.ts",
      /^(\S+) does not replay: the code decided otherwise at event \d+, EVENT_TYPE_ACTIVITY_TASK_SCHEDULED\. .*Timer/,
    ],
    ["reordered-publish.ts", /^(\S+) does not replay: the code decided otherwise at event \d+, EVENT_TYPE_\w+\. \S/],
  ])("rejected without patched(): %s, with each history, the event and the cure", async (fixture, sentence) => {
    const faults = await replayedWith(fixture);
    expect(Object.keys(faults)).toEqual(recorded.map(({ name }) => name));
    for (const [name, fault] of Object.entries(faults)) {
      expect(sentence.exec(fault)?.[1], fault).toBe(name);
      expect(fault).toMatch(/`patched\(\)`: CONTRIBUTING\.md, “Changing a live workflow”/);
    }
  });

  test("passes with patched()", async () => {
    expect(await replayedWith("patched-publish.ts")).toEqual({});
  });
});
