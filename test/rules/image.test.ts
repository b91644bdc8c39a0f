import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { ROOT } from "./source-files.ts";

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

test("what the image copies is let through to it, and the page of errors is in it", () => {
  const copied = [...read("Dockerfile").matchAll(/^COPY (\S+) \S+$/gm)].map(([, path]) => path!);
  const allowed = read(".dockerignore")
    .split("\n")
    .flatMap((line) => (line.startsWith("!") ? [line.slice(1)] : []));
  for (const path of copied) {
    expect(globSync(path, { cwd: ROOT }), path).toHaveLength(1);
    expect(allowed, path).toContain(path);
  }
  expect(copied).toContain("docs/errors.md");
});

test("Platen's services read .env, as .env.example says, and what it may set is not set over it", () => {
  expect(read(".env.example")).toMatch(/docker-compose\.yml reads it\n?# too/);
  const { services } = parse(read("docker-compose.yml"), { merge: true });
  for (const name of ["migrate", "gateway", "worker"]) {
    expect(services[name].env_file, name).toEqual([{ path: ".env", required: false }]);
    expect(Object.keys(services[name].environment)).not.toContain("PLATEN_PUBLIC_URL");
  }
});
