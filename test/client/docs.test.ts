/** The examples of docs/client.md, as they stand there but for the address and the ids. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, expectTypeOf, it } from "vitest";
import type { z } from "zod";
import type { Job } from "../../src/client/client.ts";
import type { jobDetail } from "../../src/gateway/routes/job-schemas.ts";
import { startWorker, type RunningWorker } from "../../src/worker/create-worker.ts";
import { startGatewayRoom, type GatewayRoom } from "../gateway/gateway-room.ts";
import { ROOT } from "../rules/source-files.ts";
import { createDraft } from "../support/publishing.ts";

let room: GatewayRoom;
let worker: RunningWorker;
let examples: string[];

beforeAll(async () => {
  room = await startGatewayRoom({ executions: "real" });
  worker = await startWorker({ config: room.config, log: room.deps.log, stores: room.stores });
  const page = await readFile(join(ROOT, "docs/client.md"), "utf8");
  examples = [...page.matchAll(/```js\n(.*?)```/gs)].map(([, code = ""]) => code);
});
afterAll(async () => {
  await worker?.stop();
  await room?.close();
});

async function run(code: string, replaced: Record<string, string>): Promise<{ stdout: string; stderr: string }> {
  let script = code;
  for (const [from, to] of Object.entries({ "http://127.0.0.1:8080": room.url, ...replaced })) {
    expect(script).toContain(from);
    script = script.replaceAll(from, to);
  }
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    cwd: ROOT,
    env: { ...process.env, PLATEN_API_KEY: room.keys.admin },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 20_000,
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { stdout, stderr };
}

it("publish a version, and show how it went", async () => {
  const { project } = await createDraft(room);
  const { stdout, stderr } = await run(examples[0] ?? "", { "harbour-town": project });
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^\d+ % {2}/);
  expect(stdout).toContain("  info: ");
  expect(stdout).toMatch(new RegExp(`\\ncompleted /dev/${project}/release\\.json\\n$`));
});

it("say what the server refuses, and are all of them", async () => {
  const { stdout, stderr } = await run(examples[1] ?? "", { "job_019a…": "job_1" });
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^job_not_found: There is no job job_1\. \w/);
  expect(examples).toHaveLength(2);
});

it("a job's type is what the gateway's schema says", () => {
  type Answer = z.output<typeof jobDetail>;
  // Looser only where the schema is: results and environments are texts there.
  expectTypeOf<Omit<Job, "result" | "environment">>().branded.toEqualTypeOf<
    Pick<Answer, Exclude<keyof Job & keyof Answer, "result" | "environment">>
  >();
});
