import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from "vitest";
import { draftTileKey } from "../../src/storage/keys.ts";
import { freeze, startDraftsServer, type DraftsServer } from "../gateway-drafts/drafts-server.ts";
import { startFlakyProxy } from "./flaky-proxy.ts";
import { runPlaten, type Ran } from "./run-platen.ts";
import { feature, makeSmallFolder, SMALL_TILES } from "./small-folder.ts";

let server: DraftsServer;
let folder: string;

beforeAll(async () => {
  server = await startDraftsServer();
});
afterAll(() => server?.close());
beforeEach(async () => {
  folder = await makeSmallFolder();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const platen = (args: string[], key = server.keys.admin): Promise<Ran> =>
  runPlaten(args, { env: { PLATEN_SERVER: server.origin, PLATEN_API_KEY: key } });
const importInto = (slug: string, ...more: string[]): Promise<Ran> =>
  platen(["import", folder, "--project", slug, "--json", ...more]);

describe("import", () => {
  it("makes project and draft, and puts config, layers, overlays and every tile into it", async () => {
    const { code, stdout, stderr } = await platen(["import", folder]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("Made the project small-town.");
    expect(stdout).toContain(`Version 1 of small-town: 2 overlays, ${SMALL_TILES} tiles sent, 0 there already.`);
    const { body } = await server.call("GET", "/projects/small-town/versions/1");
    expect(body).toMatchObject({
      has_config: true,
      layers: 1,
      overlays: { total: 2 },
      tiles: { expected: SMALL_TILES, present: SMALL_TILES },
    });
    const { body: stored } = await server.call("GET", "/projects/small-town/versions/1/overlays");
    expect(stored.features[0].properties).toMatchObject({ label: { en: "plot-1", ar: "قطعة" }, layer: "plots" });
  });

  it("again goes on with the same draft and sends only the tiles that differ", async () => {
    expect((await importInto("again")).json()).toMatchObject([
      { version: 1, tiles_sent: SMALL_TILES, tiles_reused: 0 },
    ]);
    const other = await readFile(join(folder, "tiles_files", "10", "0_0.png"));
    // Bytes behind the end of a PNG change its digest and nothing else.
    await writeFile(join(folder, "tiles_files", "10", "0_0.png"), Buffer.concat([other, Buffer.from("x")]));
    expect((await importInto("again")).json()).toMatchObject([
      {
        version: 1,
        created: { project: false, version: false },
        tiles_sent: 1,
        tiles_reused: SMALL_TILES - 1,
        skipped_files: ["tiles_files/vips-properties.xml"],
      },
    ]);
  });

  it("makes a new version when the newest is published, or when asked to", async () => {
    await importInto("frozen");
    await freeze(server, "frozen");
    expect((await importInto("frozen")).json()).toMatchObject([{ version: 2, created: { version: true } }]);
    expect((await importInto("frozen", "--version", "new")).json()).toMatchObject([{ version: 3 }]);
    expect((await importInto("frozen", "--version", "2")).json()).toMatchObject([{ version: 2, tiles_sent: 0 }]);
  });

  it("tells a published version's refusal as the server says it, and changes nothing", async () => {
    await importInto("closed");
    await freeze(server, "closed");
    const { code, stderr } = await platen(["import", folder, "--project", "closed", "--version", "1"]);
    expect(stderr).toContain("✗ Version 1 of closed is published and frozen.\nMake a new version");
    expect(code).toBe(1);
  });

  it("tells that a slug is another tenant's", async () => {
    await importInto("taken");
    const { code, stderr } = await platen(["import", folder, "--project", "taken"], server.keys.foreign);
    expect(stderr).toContain("The slug taken is taken.");
    expect(code).toBe(1);
  });

  it("tells which tile the server rejected, and goes on from there when it is mended", async () => {
    const path = join(folder, "tiles_files", "10", "1_1.png");
    const whole = await readFile(path);
    await writeFile(path, "no picture");
    const { code, stderr, stdout } = await platen(["import", folder, "--project", "spoilt"]);
    expect(stderr).toContain("The tile 10/1_1.png was rejected");
    expect(stdout).toContain("What has arrived stays");
    expect(code).toBe(1);
    await writeFile(path, whole);
    const [summary] = (await importInto("spoilt")).json();
    expect(summary).toMatchObject({ version: 1, created: { version: false } });
    expect(summary?.["tiles_reused"]).toBeGreaterThan(0);
  });

  it("with --resend sends the tiles that the server has, and so mends what its store has lost", async () => {
    await importInto("mended");
    const key = draftTileKey("home", "mended", 1, "10/0_0.png");
    await server.stores.private.delete(key);
    expect((await importInto("mended")).json()).toMatchObject([{ tiles_sent: 0 }]);
    expect(await server.stores.private.head(key)).toBeNull();
    const summary = { version: 1, tiles_sent: SMALL_TILES, tiles_reused: 0 };
    expect((await importInto("mended", "--resend")).json()).toMatchObject([summary]);
    expect(await server.stores.private.head(key)).not.toBeNull();
  });

  it("tells every tile that the server rejected, and sends all others", async () => {
    const cut = join(folder, "tiles_files", "10", "0_0.png");
    await writeFile(cut, (await readFile(cut)).subarray(0, -20));
    await writeFile(join(folder, "tiles_files", "10", "1_1.png"), "<!doctype html>");
    const ran = await platen(["import", folder, "--project", "rotten", "--json"]);
    expect(ran.code).toBe(1);
    const [{ error }] = ran.json() as [{ error: { code: string; message: string; errors: { path: string }[] } }];
    expect(error).toMatchObject({ code: "tile_rejected", message: "2 tiles were rejected." });
    expect(error.errors.map(({ path }) => path).toSorted()).toEqual(["/tiles/10/0_0.png", "/tiles/10/1_1.png"]);
    const { body } = await server.call("GET", "/projects/rotten/versions/1/tiles");
    expect(body).toMatchObject({ present: SMALL_TILES - 2, missing: ["10/0_0.png", "10/1_1.png"] });
  });

  it("of another folder into the same draft replaces what was there", async () => {
    await importInto("replaced");
    const collection = { type: "FeatureCollection", features: [feature("only", 0)] };
    await writeFile(join(folder, "overlays.geojson"), JSON.stringify(collection));
    expect((await importInto("replaced")).json()).toMatchObject([{ version: 1, overlays: 1 }]);
    expect((await server.call("GET", "/projects/replaced/versions/1")).body.overlays.total).toBe(1);
  });

  it("sends again what loses its connection, before or after it has arrived", async () => {
    const proxy = await startFlakyProxy(server.origin, /\/(tiles\/(9|10)\/|overlays$|config$)/);
    const env = { PLATEN_SERVER: proxy.url, PLATEN_API_KEY: server.keys.admin };
    const { code, json, stderr } = await runPlaten(["import", folder, "--project", "flaky", "--json"], { env });
    proxy.close();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(json()).toMatchObject([{ tiles_sent: SMALL_TILES, overlays: 2 }]);
    expect(proxy.lost()).toBe(10);
    const { body } = await server.call("GET", "/projects/flaky/versions/1");
    expect(body).toMatchObject({ has_config: true, overlays: { total: 2 }, tiles: { present: SMALL_TILES } });
  });

  it("stops at Ctrl-C with exit code 130, and the same command finishes it", async () => {
    const env = { PLATEN_SERVER: server.origin, PLATEN_API_KEY: server.keys.admin };
    const large = await makeSmallFolder(3_000, 2_000);
    const args = ["import", large, "--project", "halted", "--parallel", "1"];
    const { code, stderr } = await runPlaten(args, { env, interruptAt: "tiles 25 %" });
    expect({ code, stderr }).toEqual({ code: 130, stderr: "" });
    const { json } = await platen(["import", large, "--project", "halted", "--json"]);
    expect(json()[0]?.["tiles_reused"]).toBeGreaterThan(0);
    const { expected, present } = (await server.call("GET", "/projects/halted/versions/1")).body.tiles;
    expect(present).toBe(expected);
    await rm(large, { recursive: true });
  });
});

describe("keys", () => {
  it("a wrong key is told, with exit code 1 and a code for machines", async () => {
    const { code, stderr, json } = await platen(["import", folder, "--json"], "wrong");
    expect(stderr).toMatch(/^✗ The request has no valid API key/);
    expect(json()).toMatchObject([{ error: { code: "unauthenticated" } }]);
    expect(code).toBe(1);
  });

  it("a role that is too low is told with the one that is needed", async () => {
    const { code, stderr } = await platen(["import", folder], server.keys.viewer);
    expect(stderr).toContain("This needs the role admin; the key has viewer.");
    expect(code).toBe(1);
  });
});
