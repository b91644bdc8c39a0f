import { expect, test } from "vitest";
import { layerViolations } from "./layers.ts";
import { sourceFiles } from "./source-files.ts";

test("imports go one way, as the table says", () => {
  expect(layerViolations(sourceFiles())).toEqual([]);
});

/** Each planted violation, in a set of files of its own. */
const planted: Record<string, { files: Record<string, string>; says: RegExp }> = {
  "contract imports a package": {
    files: { "contract/a.ts": `import { z } from "zod";` },
    says: /contract\/a\.ts: may not import zod/,
  },
  "contract imports a Node module": {
    files: { "contract/a.ts": `import "node:fs";` },
    says: /may not import node:fs/,
  },
  "a workflow imports a value of an activity": {
    files: {
      "workflows/a.ts": `import { upload } from "../activities/upload.ts";`,
      "activities/upload.ts": "export const upload = 1;",
    },
    says: /workflows may not import values of activities/,
  },
  "a workflow imports a type through a value import": {
    files: {
      "workflows/a.ts": `import { type Upload } from "../activities/upload.ts";`,
      "activities/upload.ts": "export type Upload = 1;",
    },
    says: /workflows may not import values of activities/,
  },
  "a workflow imports an impure module": {
    files: { "workflows/a.ts": `export { iso } from "../src/db.ts";`, "src/db.ts": "" },
    says: /workflows may not import anything of src/,
  },
  "a workflow loads a package lazily": {
    files: { "workflows/a.ts": `const uuid = await import("uuid");` },
    says: /may not import uuid/,
  },
  "the gateway imports a workflow's type": {
    files: { "src/gateway/a.ts": `type A = import("../../workflows/a.ts").A;`, "workflows/a.ts": "" },
    says: /src\/gateway may not import anything of workflows/,
  },
  "a library imports the gateway": {
    files: { "src/tiles/a.ts": `import type { Route } from "../gateway/route.ts";`, "src/gateway/route.ts": "" },
    says: /src\/tiles may not import anything of src\/gateway/,
  },
  "a library talks to Temporal": {
    files: { "src/tiles/a.ts": `import { Client } from "@temporalio/client";` },
    says: /may not import @temporalio\/client/,
  },
  "the client, which browsers run, imports a Node module": {
    files: { "src/client/a.ts": `import { setTimeout } from "node:timers/promises";` },
    says: /src\/client\/a\.ts: may not import node:timers\/promises/,
  },
  "the client imports what reads the environment": {
    files: { "src/client/a.ts": `import { readConfig } from "../config.ts";`, "src/config.ts": "" },
    says: /src\/client may not import anything of src /,
  },
  "the replay looks into the database": {
    files: {
      "src/replay/a.ts": `import { findJob } from "../jobs/job-queries-store.ts";`,
      "src/jobs/job-queries-store.ts": "",
    },
    says: /src\/replay may not import anything of src\/jobs/,
  },
  "the replay imports a workflow, which is a path to it": {
    files: { "src/replay/a.ts": `import "../../workflows/index.ts";`, "workflows/index.ts": "" },
    says: /src\/replay may not import anything of workflows/,
  },
  "two libraries import each other": {
    files: {
      "src/tiles/a.ts": `import "../releases/a.ts";`,
      "src/releases/a.ts": `import type { B } from "../tiles/b.ts";`,
      "src/tiles/b.ts": "",
    },
    says: /src\/tiles: imports itself in a circle/,
  },
  "a migration imports the entities": {
    files: { "migrations/0009_a.ts": `import "../src/entities/index.ts";`, "src/entities/index.ts": "" },
    says: /migrations may not import anything of src\/entities/,
  },
  "the product imports a test": {
    files: { "src/log.ts": `import "../test/support/a.ts";`, "test/support/a.ts": "" },
    says: /src may not import anything of test/,
  },
  "the bootstrap needs an installed package": {
    files: { "bootstrap/start.js": `import getPort from "get-port";` },
    says: /may not import get-port/,
  },
  "an import leaves the ending out": {
    files: { "src/log.ts": `import "./errors";`, "src/errors.ts": "" },
    says: /there is no src\/errors/,
  },
  "a new folder has no row": { files: { "lib/a.ts": "" }, says: /no row for lib/ },
};

test.each(Object.entries(planted))("rejected: %s", (_, { files, says }) => {
  const found = layerViolations(Object.entries(files).map(([path, text]) => ({ path, text })));
  expect(found.join("\n")).toMatch(says);
});

test("accepted: what the table allows", () => {
  const files = {
    "contract/a.ts": `import { b } from "./b.ts";`,
    "contract/b.ts": "export const b = 1;",
    "workflows/a.ts": `import type { Upload } from "../activities/a.ts"; import { b } from "../contract/b.ts";
      import { sleep } from "@temporalio/workflow";`,
    "activities/a.ts": `import { put } from "../src/storage/a.ts"; export type Upload = 1;`,
    "src/storage/a.ts": `import "node:fs"; import "../log.ts"; export const put = 1;`,
    "src/log.ts": `import "pino";`,
    "src/worker/main.ts": `import "../../activities/a.ts"; import "@temporalio/worker";`,
    "test/a.test.ts": `import "../src/worker/main.ts"; import "../workflows/a.ts";`,
  };
  expect(layerViolations(Object.entries(files).map(([path, text]) => ({ path, text })))).toEqual([]);
});
