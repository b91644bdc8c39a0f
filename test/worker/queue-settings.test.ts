import { availableParallelism } from "node:os";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { QUEUES } from "../../contract/job-type-definition.ts";
import { readConfig } from "../../src/config.ts";
import { queueSettings, stopSeconds } from "../../src/worker/queue-settings.ts";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const FILE = read("temporal-config/queues.json");
const of = (text?: string) => queueSettings(text === undefined ? {} : { PLATEN_WORKER_CONCURRENCY: text });
const concurrency = (text?: string) => QUEUES.map((queue) => of(text)[queue].concurrency);
const cores = availableParallelism();

it.each([
  ["nothing", undefined, [20, cores, 8, cores, 2]],
  ["a number, for each queue", "7", [7, 7, 7, 7, 7]],
  ["some queues", "render=1,documents=4", [20, 1, 8, 4, 2]],
  ["both", "10,render=1", [10, 1, 10, 10, 10]],
  ["both the other way round", "render=1,10", [10, 1, 10, 10, 10]],
])("PLATEN_WORKER_CONCURRENCY of %s", (_, text, expected) => {
  expect(concurrency(text)).toEqual(expected);
});

it.each(["0", "1001", "-1", "many", "render", "render=", "render=0", "bake=1", "1;2", "1,,2", "1,"])(
  "PLATEN_WORKER_CONCURRENCY=%s is refused, with what it may be",
  (text) => {
    const env = { PLATEN_DATABASE_URL: "postgresql://a@b/c", PLATEN_WORKER_CONCURRENCY: text };
    expect(() => readConfig(env)).toThrow(/PLATEN_WORKER_CONCURRENCY: must be numbers from 1 to 1000.*render=2/);
  },
);

it.each([
  ["no JSON", "{", /queues\.json is no JSON/],
  ["a queue that is missing", FILE.replace('"render"', '"bake"'), /render|bake/],
  ["a concurrency of none", FILE.replace('"concurrency": 8', '"concurrency": 0'), /import\.concurrency/],
  ["a field that nobody knows", FILE.replace('"per_second"', '"a_second"'), /a_second/],
  ["a rate of none", FILE.replace('"per_second": null', '"per_second": 0'), /per_second/],
])("temporal-config/queues.json with %s is refused with the place", (_, text, says) => {
  expect(() => queueSettings({}, text)).toThrow(says);
});

it("a worker takes as long to stop as the longest grace time of what it serves, and little more", () => {
  const settings = queueSettings({}, FILE.replace(/("render".*"grace_seconds": )3/, "$120"));
  expect(stopSeconds(settings, QUEUES)).toBe(25);
  expect(stopSeconds(settings, ["publish"])).toBe(8);
});

it("the workers of docker-compose.yml serve every queue together, each once", () => {
  const { services } = parse(read("docker-compose.yml"), { merge: true }) as {
    services: Record<string, { environment?: Record<string, string> }>;
  };
  const served = Object.values(services).flatMap(
    ({ environment }) => environment?.["PLATEN_WORKER_QUEUES"]?.split(",") ?? [],
  );
  expect(served.toSorted()).toEqual([...QUEUES].toSorted());
});
