import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runPlaten } from "./run-platen.ts";

const NOWHERE = { PLATEN_SERVER: "http://127.0.0.1:9", PLATEN_API_KEY: "none" };

describe("wrong usage ends with exit code 2", () => {
  const table: [args: string[], says: string][] = [
    [["import"], "missing required argument 'folder'"],
    [["frobnicate"], "unknown command 'frobnicate'"],
    [["jobs", "--status", "sleeping"], "Allowed choices are queued, running"],
    [["jobs", "--limit", "0"], "It must be a whole number from 1"],
    [["publish", "town", "--env", "moon"], "Allowed choices are dev, staging, production"],
    [["publish", "town", "--version", "1.5"], "It must be a whole number from 1"],
    [["import", "/", "--project", "Bad Slug"], "It must be lower-case letters"],
    [["publish", "town"], "Name the environment"],
  ];
  it.each(table)("%j", async (args, says) => {
    const { code, stdout, stderr } = await runPlaten(args, { env: NOWHERE });
    expect(stderr).toContain(says);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });
});

it("--help ends with exit code 0 and lists every command", async () => {
  const { code, stdout } = await runPlaten(["--help"]);
  expect(code).toBe(0);
  for (const name of [
    "import",
    "validate",
    "publish",
    "watch",
    "jobs",
    "cancel",
    "retry",
    "replay",
    "gate",
    "releases",
    "schedules",
  ])
    expect(stdout).toContain(`  ${name} `);
});

it("an unreachable server ends with exit code 3 and says where it was looked for", async () => {
  const { code, stderr } = await runPlaten(["jobs"], { env: NOWHERE });
  expect(stderr).toMatch(/http:\/\/127\.0\.0\.1:9 cannot be reached: .+\./);
  expect(code).toBe(3);
});

describe("which server and key", () => {
  let folder: string;
  let asked: { url: string; key: string | undefined }[];
  // Answers like an empty gateway and remembers which key it was shown.
  const gateway = createServer((request, response) => {
    asked.push({ url: request.url ?? "", key: request.headers.authorization });
    response.setHeader("content-type", "application/json").end('{"jobs":[],"next_cursor":null}');
  });
  let address: string;

  beforeAll(async () => {
    gateway.listen(0, "127.0.0.1");
    await once(gateway, "listening");
    address = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
    folder = await mkdtemp(join(tmpdir(), "platen-stack-"));
    await mkdir(join(folder, ".platen"));
    await mkdir(join(folder, "deep", "inside"), { recursive: true });
    const stack = { gateway: address, api_keys: { viewer: "v", operator: "o", admin: "stack-key" } };
    await writeFile(join(folder, ".platen", "stack.json"), JSON.stringify(stack));
  });
  afterAll(async () => {
    gateway.close();
    await rm(folder, { recursive: true, force: true });
  });

  const askedBy = async (args: string[], env: Record<string, string>, cwd = folder): Promise<typeof asked> => {
    asked = [];
    const { code, stderr } = await runPlaten(["jobs", ...args], { env, cwd });
    expect(stderr + String(code)).toBe("0");
    return asked;
  };

  it("come from the stack of a parent folder", async () => {
    expect(await askedBy([], {}, join(folder, "deep", "inside"))).toMatchObject([{ key: "Bearer stack-key" }]);
  });

  it("come from the environment before the stack, and from flags before both", async () => {
    expect(await askedBy([], { PLATEN_API_KEY: "env-key" })).toMatchObject([{ key: "Bearer env-key" }]);
    expect(await askedBy(["--api-key", "flag-key"], { PLATEN_API_KEY: "env-key" })).toMatchObject([
      { key: "Bearer flag-key" },
    ]);
    expect(
      await askedBy(["--server", `${address}/api/`], { PLATEN_SERVER: "http://127.0.0.1:9", PLATEN_API_KEY: "k" }),
    ).toMatchObject([{ url: expect.stringMatching(/^\/api\/jobs/) }]);
  });

  it("the stack's key is never sent to another server", async () => {
    const { code, stderr } = await runPlaten(["jobs", "--server", "http://127.0.0.1:9"], { cwd: folder });
    expect(stderr).toContain("There is no API key for http://127.0.0.1:9");
    expect(code).toBe(2);
  });

  it("are asked for where there are none", async () => {
    const { code, stderr } = await runPlaten(["jobs"], { cwd: "/" });
    expect(stderr).toContain("Start one with `npm start`");
    expect(code).toBe(2);
  });

  it.each([
    ["http://ada:secret@127.0.0.1:8080", "k", `"http://ada:***@127.0.0.1:8080" is no address of a gateway.`],
    ["127.0.0.1:8080", "k", `"127.0.0.1:8080" is no address of a gateway.`],
    ["http://127.0.0.1:8080", "two words", "The API key holds what no key holds."],
  ])("are wrong usage if they can be none: %s, %s", async (server, key, says) => {
    const { code, stderr } = await runPlaten(["jobs", "--server", server, "--api-key", key], { cwd: "/" });
    expect(stderr).toContain(says);
    expect(code).toBe(2);
  });

  it("something else than a gateway is told as such", async () => {
    const { code, stderr } = await runPlaten(["releases", "town"], { cwd: folder });
    expect(stderr).toContain(
      "does not behave like a Platen gateway: its answer to GET /projects/town/releases has no `releases`",
    );
    expect(code).toBe(1);
  });
});
