import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeDraft, startDraftsServer, type DraftsServer } from "../gateway-drafts/drafts-server.ts";
import { picture } from "../support/pictures.ts";
import { runPlaten } from "./run-platen.ts";

let server: DraftsServer;
let folder: string;
beforeAll(async () => {
  server = await startDraftsServer();
  folder = await mkdtemp(join(tmpdir(), "platen-source-"));
});
afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

const source = (file: string, ...more: string[]) =>
  runPlaten(["source", "town", "1", file, ...more], {
    env: { PLATEN_SERVER: server.origin, PLATEN_API_KEY: server.keys.admin },
  });

it("sends the picture, says what the server found, and what keeps it from being taken", async () => {
  await makeDraft(server, "town");
  const file = join(folder, "plan.png");
  await writeFile(file, await picture(300, 200));
  const sent = await source(file);
  expect(sent).toMatchObject({ code: 0, stderr: "" });
  expect(sent.stdout).toContain("Version 1 of town has a new source picture: 300 × 200 pixels, image/png.");
  expect((await source(file)).stdout).toContain("has this very picture already");
  expect(JSON.parse((await source(file, "--json")).stdout)).toMatchObject({ width: 300, changed: false });

  await writeFile(file, "no picture");
  const refused = await source(file);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("by its first bytes it is no PNG, JPEG, WebP, TIFF or SVG");
  expect((await source(join(folder, "none.png"))).code).toBe(2);
});
