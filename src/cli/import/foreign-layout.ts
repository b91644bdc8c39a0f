/** Pyramids that are no Deep Zoom pyramid, or lie elsewhere: recognised, so that the refusal can say what to run instead. */
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";

const CUT_AGAIN = "Platen reads Deep Zoom: cut the picture again with `vips dzsave IMAGE tiles --layout dz`";
/** Parts of a project folder that hold no pyramid. */
const PARTS = new Set(["project.json", "overlays.geojson"]);

/** What lies in the folder, or one folder down, instead of a descriptor, and what to do; null if it is nothing known. */
export async function foreignLayout(folder: string): Promise<string | null> {
  const entries = await readdir(folder, { withFileTypes: true });
  const inside = [
    { place: "this folder", path: folder },
    ...entries
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => ({ place: `${name}/`, path: join(folder, name) })),
  ];
  for (const { place, path } of inside) {
    const names = await readdir(path);
    const descriptor = path === folder ? undefined : names.find((name) => /^[^.].*\.dzi$/i.test(name));
    if (descriptor)
      return `${place}${descriptor} is one folder too deep: move it and its folder of tiles beside project.json`;
    const layout = await layoutOf(path, names);
    if (layout) return `${place} holds ${layout}, and ${CUT_AGAIN}`;
  }
  for (const entry of entries)
    if (entry.isFile() && !PARTS.has(entry.name) && (await isZip(join(folder, entry.name))))
      return (
        `${entry.name} is an archive: unpack it with \`unzip '${entry.name}' -d unpacked\`, and move what it holds, ` +
        `NAME.dzi and NAME_files, beside project.json`
      );
  return null;
}

async function layoutOf(path: string, names: readonly string[]): Promise<string | null> {
  if (names.includes("ImageProperties.xml")) return "a Zoomify pyramid (ImageProperties.xml)";
  if (names.includes("info.json")) return "an IIIF pyramid (info.json)";
  const first = names.includes("0") ? await readdir(join(path, "0", "0")).catch(() => []) : [];
  const tile = first.find((name) => /^0\.\w+$/.test(name));
  return tile ? `a Google or XYZ pyramid (0/0/${tile})` : null;
}

/** By its first bytes: vips also writes archives without an extension. */
async function isZip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 4 && buffer.toString("latin1") === "PK\x03\x04";
  } finally {
    await file.close();
  }
}
