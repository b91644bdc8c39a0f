/** Heartbeats and the mirror are fed in one place, so that no report goes to one of them only. */
import { expect, test } from "vitest";
import { isNode, sourceFiles, visit, type Node, type SourceFile } from "./source-files.ts";

const PLACE = "activities/report-progress.ts";

test("only the reporter sends heartbeats and reports to the mirror", () => {
  expect(
    sourceFiles()
      .filter(isProduct)
      .filter(reports)
      .map(({ path }) => path),
  ).toEqual([PLACE]);
});

test.each([
  "context.heartbeat(details);",
  "heartbeat(details);",
  "Context.current().heartbeat();",
  "deps.mirror.report(row);",
  "mirror.report(row);",
])("noticed: %s", (text) => {
  expect(reports({ path: "activities/a.ts", text })).toBe(true);
});

test("not noticed: a step's report, and what the mirror does otherwise", () => {
  expect(
    reports({ path: "activities/a.ts", text: "report(1, 'all'); tools.report(0.5); deps.mirror.forget(grip);" }),
  ).toBe(false);
});

const isProduct = ({ path }: SourceFile): boolean => /^(src|activities|workflows|contract)\//.test(path);

function reports(file: SourceFile): boolean {
  let found = false;
  visit(file, (node) => {
    if (node.type === "CallExpression" && isNode(node["callee"]) && isReport(node["callee"])) found = true;
  });
  return found;
}

function isReport(callee: Node): boolean {
  const name = lastName(callee);
  return (
    name === "heartbeat" || (name === "report" && isNode(callee["object"]) && lastName(callee["object"]) === "mirror")
  );
}

/** `c` of `c` and of `a.b.c`. */
function lastName(node: Node): unknown {
  return isNode(node["property"]) ? node["property"]["name"] : node["name"];
}
