import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FAILURES, PROBLEMS } from "../../contract/failures.ts";
import { CONFLICT_FAILURES } from "../../contract/failures/conflicts.ts";
import { ENDING_FAILURES } from "../../contract/failures/endings.ts";
import { PUBLISHING_FAILURES } from "../../contract/failures/publishing.ts";
import { TASKS } from "../../src/maintenance/tasks.ts";
import {
  deadLinks,
  documents,
  errorPageFaults,
  failureLine,
  featureFaults,
  unexplainedDependencies,
  unknownScripts,
} from "./docs.ts";
import { ROOT } from "./source-files.ts";

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const manifest = JSON.parse(read("package.json")) as Record<
  "scripts" | "dependencies" | "devDependencies",
  Record<string, string>
>;
const { scripts } = manifest;

test("docs/errors.md has every code as a heading, says what the contract says, and has no other", () => {
  expect(errorPageFaults(read("docs/errors.md"), FAILURES, PROBLEMS)).toEqual([]);
});

test("docs/publishing.md names every code that a publish can end with, wait for or be refused with", () => {
  const codes = [CONFLICT_FAILURES, PUBLISHING_FAILURES, ENDING_FAILURES].flatMap((part) => Object.keys(part));
  const page = read("docs/publishing.md");
  expect(codes.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
});

test("docs/maintenance.md has a line for each task, in their order, and no other", () => {
  const lines = read("docs/maintenance.md").matchAll(/^\| `(\w+)` /gm);
  expect([...lines].map(([, name]) => name)).toEqual(TASKS.map(({ name }) => name));
});

test("every relative link leads somewhere", () => {
  expect(documents().flatMap((document) => deadLinks(document))).toEqual([]);
});

test("every npm script that a document names exists", () => {
  expect(documents().flatMap((document) => unknownScripts(document, scripts))).toEqual([]);
});

test("every dependency has its line in docs/decisions", () => {
  const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
  expect(unexplainedDependencies(read("docs/decisions/0001-dependencies.md"), names)).toEqual([]);
});

test("docs/features.md names promises that exist, and a test for each that is done", () => {
  expect(featureFaults(read("docs/features.md"))).toEqual([]);
});

test("README.md has at most 120 lines", () => {
  expect(read("README.md").split("\n").length).toBeLessThanOrEqual(121);
});

const lost = { status: 410, retryable: false, title: "Lost", sentence: "It is lost.", action: "Look again." };
const story = "Someone put it down and went away without it.";

test("rejected: a page of errors that is wrong", () => {
  const faults = (page: string): string[] => errorPageFaults(page, { lost }, {});
  expect(faults(`### lost\n\n${story}\n\n${failureLine(lost)}\n`)).toEqual([]);
  expect(faults("# Errors\n")).toEqual(["lost has no heading"]);
  expect(faults(`### lost\n\n${story}\n\n${failureLine({ ...lost, status: 404 })}\n`)[0]).toMatch(
    /lost does not say: HTTP 410/,
  );
  expect(faults(`### lost\n\n${failureLine(lost)}\n`)).toEqual(["lost does not say what happened"]);
  expect(faults(`### lost\n\n${story}\n\n${failureLine(lost)}\n\n### found\n`)).toEqual(["found is no code"]);
});

test("rejected: a dependency without a line", () => {
  expect(unexplainedDependencies("`@a/{b,c}` and `d`", ["@a/b", "@a/c", "@a/e", "d", "@types/d"])).toEqual(["@a/e"]);
});

test("rejected: a dead link, a script and a promise that do not exist", () => {
  const page = { path: "docs/a.md", text: "[b](b.md) [top](#top) [c](../c.md#part) [d](https://example.org)" };
  expect(deadLinks(page, (target) => target === "c.md")).toEqual(["docs/a.md: b.md"]);
  expect(unknownScripts({ path: "a.md", text: "`npm run dance` and `npm start`" }, { start: "" })).toEqual([
    "a.md: npm run dance",
  ]);
  expect(featureFaults("| S9.1 | done | Fly | [t](../test/a.test.ts) |")).toEqual(["S9.1 is no promise"]);
  expect(featureFaults("| S0.8 | open | Fly | |")).toEqual(["S0.8 is no promise"]);
  expect(featureFaults("| S0.1 | someday | Fly | |")).toEqual(["S0.1 is someday"]);
  expect(featureFaults("| S0.1  | done  | Fly | |")).toEqual(["S0.1 is done and names no test"]);
  expect(featureFaults("# Features")).toEqual(["there is no row"]);
});
