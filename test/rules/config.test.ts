import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CLIENT_VARIABLES, CONFIG_VARIABLES, readConfig } from "../../src/config.ts";
import { documentedVariables, undocumentedVariables } from "./environment.ts";
import { ROOT, sourceFiles } from "./source-files.ts";

/** Read by the bootstrap, before TypeScript can run. */
const BOOTSTRAP_VARIABLES = ["PLATEN_TEMPORAL_CLI"];
const ALL = [...CONFIG_VARIABLES, ...CLIENT_VARIABLES, ...BOOTSTRAP_VARIABLES];

const documented = documentedVariables(readFileSync(join(ROOT, ".env.example"), "utf8"));
const product = sourceFiles().filter(({ path }) => !/^(test|bench)\//.test(path));

test(".env.example lists every variable that is read, and no other", () => {
  expect(documented.map(({ name }) => name)).toEqual(ALL);
});

test("each has a comment and its default", () => {
  const defaults = readConfig({ PLATEN_DATABASE_URL: "postgresql://platen:platen@127.0.0.1:5432/platen" });
  for (const { name, value, comment } of documented) {
    expect(comment, name).toMatch(/\w.*\.$/);
    expect(value, name).toBe(String(defaults[name as keyof typeof defaults] ?? ""));
  }
});

test("the example is a configuration that works", () => {
  const env = Object.fromEntries(documented.map(({ name, value }) => [name, value]));
  expect(() => readConfig(env)).not.toThrow();
});

test("the code names no variable that is not documented", () => {
  expect(undocumentedVariables(product, ALL)).toEqual([]);
});

test("rejected: a variable that is not documented, a documented one without a comment", () => {
  const planted = [{ path: "src/a.ts", text: `env["PLATEN_SECRET"]` }];
  expect(undocumentedVariables(planted, ALL)).toEqual(["src/a.ts: PLATEN_SECRET"]);
  expect(documentedVariables("# For A.\nA=1\nB=2\n")).toEqual([
    { name: "A", value: "1", comment: "For A." },
    { name: "B", value: "2", comment: "" },
  ]);
});

test("all problems of a configuration come in one error", () => {
  const wrong = { PLATEN_GATEWAY_PORT: "lots", PLATEN_LOG_LEVEL: "loud" };
  expect(() => readConfig(wrong)).toThrow(/3 problem\(s\).*\n.*DATABASE_URL.*\n.*GATEWAY_PORT.*\n.*LOG_LEVEL/);
});
