import { join } from "node:path";
import { DefaultLogger, makeTelemetryFilterString, Runtime } from "@temporalio/worker";
import { beforeAll, describe, expect, test } from "vitest";
import { JOB_TYPES } from "../../contract/job-types.ts";
import { createReplayer, prefixes, recordings } from "./replay-histories.ts";
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
    expect(await replay(recorded)).toEqual({});
  });

  test("every history replays on a worker that caches nothing", async () => {
    expect(await replay(recorded, { maxCachedWorkflows: 0 })).toEqual({});
  });

  test("every history replays up to each of its workflow tasks", async () => {
    expect(await replay(recorded.flatMap(prefixes))).toEqual({});
  });
});

test("rejected: publish, changed without patched()", async () => {
  const recorded = recordings(folderOf("publish"));
  const replayChanged = await createReplayer(join(ROOT, "test/rules/fixtures/changed-publish.ts"));
  expect(recorded).not.toEqual([]);
  const faults = await replayChanged(recorded);
  expect(Object.keys(faults)).toEqual(recorded.map(({ name }) => name));
  for (const fault of Object.values(faults)) expect(fault).toMatch(/nondeterminism/i);
});
