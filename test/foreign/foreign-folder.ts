/** A project folder around a pyramid that another tool has cut. */
import { cp, mkdtemp, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { feature } from "../cli/small-folder.ts";

/** What `record-fixtures.ts` has recorded. */
export const FIXTURES = fileURLToPath(new URL("fixtures", import.meta.url));

/** Made in a temporary folder, which is answered. `fixture`: the pyramid that is copied into it. */
export async function makeForeignFolder(fixture?: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "platen-foreign-"));
  if (fixture) await cp(join(FIXTURES, fixture), folder, { recursive: true });
  const project = { name: "Town", config: {}, layers: [{ ref: "plots", label: "Plots" }] };
  await writeFile(join(folder, "project.json"), JSON.stringify(project));
  const features = [feature("plot-1", 0), feature("plot-2", 100)];
  await writeFile(join(folder, "overlays.geojson"), JSON.stringify({ type: "FeatureCollection", features }));
  return folder;
}

/** Paths of the tiles in the folder's pyramid by their keys without the extension: `10/0_0`. */
export async function tileFiles(folder: string): Promise<Map<string, string>> {
  const names = await readdir(folder, { recursive: true });
  return new Map(
    names.flatMap((name) => {
      const key = /_files\/(\d+\/\d+_\d+)\.\w+$/.exec(name)?.[1];
      return key ? [[key, join(folder, name)] as const] : [];
    }),
  );
}
