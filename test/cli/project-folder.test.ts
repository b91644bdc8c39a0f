import { execFile } from "node:child_process";
import { mkdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runPlaten } from "./run-platen.ts";
import { feature, makeSmallFolder } from "./small-folder.ts";

// A port that nobody listens on: whatever is told here was found out before a server was needed.
const NOWHERE = { PLATEN_SERVER: "http://127.0.0.1:9", PLATEN_API_KEY: "none" };

let folder: string;

beforeEach(async () => {
  folder = await makeSmallFolder();
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const put = (name: string, text: string | Buffer) => () => writeFile(join(folder, name), text);
const drop = (name: string) => () => rm(join(folder, name), { recursive: true });
const replaceBy = (name: string, make: (path: string) => Promise<unknown>) => async () => {
  await drop(name)();
  await make(join(folder, name));
};
const makePipe = (path: string) => promisify(execFile)("mkfifo", [path]);
const linkAway = (path: string) => symlink("/no/such/tile", path);
const collection = (...features: unknown[]) => JSON.stringify({ type: "FeatureCollection", features });

describe("a folder that cannot be imported is refused before anything is sent, with the file and the place", () => {
  const table: [name: string, spoil: () => Promise<unknown>, says: RegExp][] = [
    ["project.json is missing", drop("project.json"), /project\.json: it is missing; is this a project folder\?/],
    [
      "project.json is no JSON",
      put("project.json", '{\n  "name": tru\n}'),
      /project\.json: unexpected "\\n" at line 2, column 14, near "\{\\n {2}\\"name\\": tru\\n\}"\./,
    ],
    [
      "project.json breaks off",
      put("project.json", '{\n  "name":'),
      /project\.json: it ends too early, at line 2, column 10, after/,
    ],
    [
      "project.json has a comma too many",
      put("project.json", '{"name": "ä",\n}'),
      /unexpected "\}" at line 2, column 1,/,
    ],
    ["project.json is not UTF-8", put("project.json", Buffer.from([0x7b, 0xff])), /project\.json: it is not UTF-8/],
    [
      "an unknown field",
      put("project.json", '{"name":"A","config":{},"colour":1}'),
      /1 field\(s\) are wrong; the first: \/colour: there is no field "colour" here/,
    ],
    [
      "a wrong type deep inside",
      put("project.json", '{"name":"A","config":{},"layers":[{"ref":7,"label":"x"}]}'),
      /\/layers\/0\/ref:? Invalid input: expected string/,
    ],
    [
      "an empty name",
      put("project.json", '{"name":"","config":{}}'),
      /project\.json: 1 field\(s\) are wrong; the first: \/name: must not be empty\./,
    ],
    [
      "overlays.geojson breaks off",
      put("overlays.geojson", '{"type":"FeatureCollection","features":['),
      /overlays\.geojson: the JSON document is not complete\./,
    ],
    [
      "an overlay without a place",
      put("overlays.geojson", collection({ type: "Feature", geometry: null, properties: { ref: "a" } })),
      /Overlay number 1 cannot be read: \/geometry: it is null; object is expected/,
    ],
    ["a slug that is reserved", put("project.json", '{"slug":"api","name":"A","config":{}}'), /\/slug:? is reserved/],
    [
      "a config nested without end",
      put("project.json", `{"name":"A","config":{"a":${"[".repeat(5_000)}${"]".repeat(5_000)}}}`),
      /project\.json: .*it is nested deeper than 100 levels\./,
    ],
    [
      "a geometry nested without end",
      put(
        "overlays.geojson",
        `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":${'{"type":"GeometryCollection","geometries":['.repeat(5_000)}${"]}".repeat(5_000)},"properties":{"ref":"a"}}]}`,
      ),
      /overlays\.geojson: Overlay number 1 cannot be read: it is nested deeper than 100 levels at line 1, column \d+\./,
    ],
    [
      "a member called __proto__",
      put("project.json", '{"name":"A","config":{"__proto__":{"a":1}}}'),
      /the object at "\/config" has a member called __proto__/,
    ],
    ["overlays.geojson is missing", drop("overlays.geojson"), /overlays\.geojson: it is missing; an empty map has/],
    [
      "overlays.geojson breaks off",
      put("overlays.geojson", '{"type":"FeatureCollection","features":['),
      /overlays\.geojson: .*not complete/,
    ],
    [
      "an overlay without a ref",
      put("overlays.geojson", collection(feature("a", 0), { ...feature("b", 9), properties: {} })),
      /Overlay number 2 cannot be read: \/properties\/ref/,
    ],
    ["tiles.dzi is missing", drop("tiles.dzi"), /tiles\.dzi: it is missing; make it with/],
    ["project.json is a folder", replaceBy("project.json", mkdir), /project\.json: it is a folder, not a file/],
    ["project.json is a pipe", replaceBy("project.json", makePipe), /project\.json: it is something else, not a file/],
    ["project.json is too large", () => truncate(join(folder, "project.json"), 2 ** 32), /larger than 104857600 bytes/],
    ["overlays.geojson is a folder", replaceBy("overlays.geojson", mkdir), /overlays\.geojson: it is a folder/],
    ["overlays.geojson is a pipe", replaceBy("overlays.geojson", makePipe), /overlays\.geojson: it is something else/],
    ["tiles.dzi is a pipe", replaceBy("tiles.dzi", makePipe), /tiles\.dzi: it is something else/],
    [
      "a tile is a folder",
      replaceBy("tiles_files/0/0_0.png", mkdir),
      /1 tile\(s\) are missing; the first: 0\/0_0\.png/,
    ],
    ["a tile is a pipe", replaceBy("tiles_files/0/0_0.png", makePipe), /1 tile\(s\) are missing; the first: 0\/0_0/],
    ["a tile is a link to nowhere", replaceBy("tiles_files/0/0_0.png", linkAway), /1 tile\(s\) are missing/],
    [
      "a name twice",
      put("project.json", '{"name":"A",\n"name":"B","config":{}}'),
      /name "name" is there twice .* line 2/,
    ],
    [
      "a number that is lossy",
      put("project.json", '{"name":"A","config":{"id":12345678901234567890}}'),
      /send it as a text/,
    ],
    ["tiles.dzi is something else", put("tiles.dzi", "<html/>"), /tiles\.dzi: .*<html>/],
    ["tiles_files is missing", drop("tiles_files"), /tiles_files: it is missing/],
    ["tiles are missing", drop("tiles_files/10"), /tiles_files: 6 tile\(s\) are missing; the first: 10\/0_0\.png/],
  ];
  it.each(table)("%s", async (_name, spoil, says) => {
    await spoil();
    const { code, stdout, stderr } = await runPlaten(["import", folder], { env: NOWHERE });
    expect(stderr).toMatch(says);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });

  it("there is no such folder", async () => {
    const { code, stderr } = await runPlaten(["import", "/no/such/folder"], { env: NOWHERE });
    expect(stderr).toContain("/no/such/folder: there is no such folder.");
    expect(code).toBe(1);
  });

  it("it is a file", async () => {
    const { stderr } = await runPlaten(["import", join(folder, "tiles.dzi")], { env: NOWHERE });
    expect(stderr).toContain("it is a file, not a folder");
  });

  it("with --json as one object with every problem", async () => {
    await drop("tiles_files/10")();
    const ran = await runPlaten(["import", folder, "--json"], { env: NOWHERE });
    expect(ran.code).toBe(1);
    const [line, ...more] = ran.json();
    expect(more).toEqual([]);
    expect(line?.["error"]).toMatchObject({ code: "folder_invalid" });
    expect((line?.["error"] as { errors: unknown[] } | undefined)?.errors).toHaveLength(6);
  });
});

it("files that tools and systems leave are left out, and said in a line of each kind", async () => {
  await mkdir(join(folder, "tiles_files", "99"));
  await writeFile(join(folder, "tiles_files", "99", "0_0.png"), "x");
  await writeFile(join(folder, ".DS_Store"), "x");
  expect(await readFile(join(folder, "tiles_files", "vips-properties.xml"), "utf8")).toContain("<?xml");
  const { code, stdout } = await runPlaten(["import", folder], { env: NOWHERE });
  expect(stdout).toBe(
    "Left out 2 file(s) that are no part of a project folder: .DS_Store, tiles_files/vips-properties.xml\n" +
      "Left out 1 tile(s) that the descriptor does not call for: tiles_files/99/0_0.png\n",
  );
  expect(code).toBe(3);
});
