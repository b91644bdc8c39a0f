import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createServer, type AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { runPlaten } from "../cli/run-platen.ts";
import { ROOT } from "../rules/source-files.ts";
import { attach, type Debugger } from "./inspector.ts";
import { copySource, type SourceCopy } from "./source-copy.ts";

const HISTORY = join(ROOT, "test/histories/publish/0.1-completed.json");

let copy: SourceCopy | undefined;
let debugging: Debugger | undefined;
afterEach(async () => {
  debugging?.kill();
  await copy?.close();
  copy = undefined;
});

const inspect = (root: string): Promise<Debugger> =>
  attach([join(root, "src/cli/main.ts"), "replay", HISTORY, "--inspect", "0"], "/");

/** Line numbers, from 1. */
const lineWith = (path: string, text: string): number =>
  readFileSync(path, "utf8")
    .split("\n")
    .findIndex((line) => line.includes(text)) + 1;

describe("platen replay --inspect", () => {
  it("stops at a breakpoint on a source line of a workflow, and goes on from it", { timeout: 120_000 }, async () => {
    debugging = await inspect(ROOT);
    // Before anything of the workflow runs, so that breakpoints can be set in what is loaded by now.
    expect((await debugging.resume()).source).toMatch(/script \d+|pause-for-debugger/);
    const source = join(ROOT, "workflows/publish.ts");
    const line = lineWith(source, "writing.generateRelease.executeWithOptions");
    const breakpoint = await debugging.breakAt(source, line);
    expect(await debugging.resume()).toEqual({ source, line, hitBreakpoints: [breakpoint] });
    const { code, output } = await debugging.finish();
    expect(output).toContain("chrome://inspect");
    expect(output).toContain("35 events replayed");
    expect(code).toBe(0);
  });

  it("stops at a `debugger` statement that was written into a workflow", { timeout: 120_000 }, async () => {
    copy = await copySource();
    await copy.change("workflows/publish.ts", "    const result = await", "    debugger;\n    const result = await");
    debugging = await inspect(copy.folder);
    await debugging.resume();
    const source = copy.path("workflows/publish.ts");
    expect(await debugging.resume()).toMatchObject({ source, line: lineWith(source, "debugger;") });
    expect((await debugging.finish()).code).toBe(0);
  });

  it("replays nothing where its port is taken, and says so", { timeout: 60_000 }, async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = other.address() as AddressInfo;
      const { code, stdout, stderr } = await runPlaten(["replay", HISTORY, "--inspect", String(port)]);
      expect(stderr).toContain(`The port ${port} is taken.`);
      expect(stderr).toContain("Use --inspect 0");
      expect(stdout).not.toContain("events replayed");
      expect(code).toBe(1);
    } finally {
      other.close();
    }
  });
});
