/** Code that people wrote: what it is given, what it can do, and how it ends. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { CODE_LIMITS } from "../../contract/document-generation.ts";
import { runCode } from "../../src/documents/run-code.ts";
import { failureOf, makeFile } from "../support/documents.ts";
import { createDraft, createPublishing, type Publishing } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";

let room: Publishing;
beforeAll(async () => {
  room = await createPublishing({ executions: scriptedExecutions() });
});
afterAll(() => room?.close());

const run = (code: string, input: object = { title: "T" }): Promise<unknown> =>
  runCode({ code, input, signal: new AbortController().signal });

it("is given the project's data, and its specification becomes the document", { timeout: 60_000 }, async () => {
  const draft = await createDraft(room);
  const code = `
    const rows = input.version.overlays.map(({ ref, label, area }) => [ref, label.ar, area]);
    const columns = [{ header: "Ref" }, { header: "Label" }, { header: "Area", type: "number" }];
    return { content: [{ type: "heading", text: input.title + " of " + input.project.name }, { type: "table", columns, rows }] };`;
  const made = await makeFile(room, { format: "document", title: "Plots", code }, draft);
  expect(made.left_out).toEqual([]);
  expect(made.bytes.subarray(0, 2).toString()).toBe("PK");
});

it("has nothing of the world around it", async () => {
  const names = [
    "process",
    "require",
    "fetch",
    "setTimeout",
    "console",
    "Deno",
    "WebAssembly",
    "XMLHttpRequest",
    "std",
    "os",
  ];
  expect(
    await run(`return ${JSON.stringify(names)}.filter((name) => typeof globalThis[name] !== "undefined")`),
  ).toEqual([]);
  // A module that cannot be loaded: the promise of it, which holds nothing.
  expect(await run(`return import("node:fs")`)).toEqual({});
});

/** The code, and what is said of it. */
const ENDS: Record<string, [code: string, ends: string, line: number | null, says: RegExp]> = {
  throws: ["const a = 1;\n  plots.map(a);", "code_failed", 2, /column 3: ReferenceError: 'plots' is not defined/],
  "is no JavaScript": ["const a = 1;\nconst b = ;", "code_failed", 2, /SyntaxError/],
  "says five million characters": [`throw new Error("x".repeat(5e6))`, "code_failed", 1, /Error: x{10}/],
  "throws what is no error": ["throw { a: 1 }", "code_failed", 1, /it threw \{"a":1\}/],
  "throws a big integer": ["throw 1n", "code_failed", 1, /it threw 1n/],
  "throws what holds itself": ["const a = {}; a.a = a; throw a", "code_failed", 1, /it threw /],
  "throws nothing": ["throw undefined", "code_failed", 1, /it threw undefined/],
  "throws what is no text where texts belong": [
    "throw { name: Symbol('a'), message: 'm', stack: { toString() { throw 1 } } }",
    "code_failed",
    1,
    /./,
  ],
  "throws a text that never ends": ["throw 'x'.repeat(1e6)", "code_failed", 1, /it threw "x{1,250}/],
  "returns nothing": ["const a = 1", "code_failed", 1, /it returned undefined/],
  "returns what JSON cannot hold": ["const a = {}; a.a = a; return a", "code_failed", 1, /circular/],
  "calls itself without end": ["const f = () => f() + 1;\nreturn f()", "code_limit", null, /called itself too deeply/],
  "makes one huge text": [`return "x".repeat(1e9)`, "code_limit", null, /memory/],
};

it("cannot make its result something else than what it returned", async () => {
  expect(await run(`JSON.stringify = () => "nope"; JSON.parse = null; return {}`)).toEqual({});
  expect(await run(`globalThis.JSON = undefined; return { a: 1 }`)).toEqual({ a: 1 });
});

it.each(Object.entries(ENDS))("that %s is told so", { timeout: 30_000 }, async (_, [code, ends, line, says]) => {
  const error = await failureOf(run(code));
  expect(error.code).toBe(ends);
  expect(error.message).toMatch(says);
  expect(JSON.stringify([error.facts, error.problems]).length).toBeLessThan(5_000);
  if (line !== null) expect(error.facts).toMatchObject({ line });
});

// Each waits for a clock most of its time.
it.concurrent.each([
  ["an endless loop", "for (;;);"],
  ["one that catches what ends it", "while (true) { try { for (;;); } catch {} }"],
  ["a regular expression that takes for ever", `return /^(a+)+$/.test("a".repeat(60) + "b")`],
  ["memory that is never enough", "const a = []; for (;;) a.push(new Array(10000).fill(a.length))"],
  ["memory that is let go of again and again", `const a = []; for (;;) a.push("x".repeat(1e6) + a.length);`],
])("that never ends is ended within two seconds of its limit: %s", { timeout: 30_000 }, async (_, code) => {
  const begun = Date.now();
  const error = await failureOf(run(code));
  expect(error.code).toBe("code_limit");
  expect(Date.now() - begun).toBeLessThan((CODE_LIMITS.seconds + 2) * 1_000 + 700); // the process' own start
});

it("is ended at once by a cancel", async () => {
  const stop = new AbortController();
  const running = runCode({ code: "for (;;);", input: {}, signal: stop.signal });
  const begun = Date.now();
  stop.abort(new Error("cancelled"));
  await expect(running).rejects.toThrow("cancelled");
  expect(Date.now() - begun).toBeLessThan(1_000);
});

it("is told what is wrong with what it returned, by its place there", async () => {
  const code = `return { content: [{ type: "table", columns: [{ header: "A" }], rows: [["a", "b"]] }] }`;
  const error = await failureOf(makeFile(room, { format: "pdf", title: "T", code }));
  expect(error.problems).toMatchObject([{ code: "row_invalid", path: "/content/0/rows/0" }]);
});
