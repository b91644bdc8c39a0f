/** A pyramid of another tool through the real command line, gateway and worker, up to the bytes that a viewer loads. */
import { readFile } from "node:fs/promises";
import { expect } from "vitest";
import type { CliRoom } from "../cli/publishing-room.ts";
import { tileFiles } from "./foreign-folder.ts";

interface Live {
  /** `tiles` of release.json. */
  tiles: { url: string; format: string; width: number; height: number; tile_count: number };
  /** What the import printed. */
  told: string;
}

/** Imports the project folder and publishes it to dev; every tile of it must come back with the same bytes. */
export async function publishFolder(room: CliRoom, slug: string, folder: string): Promise<Live> {
  const imported = await room.platen(["import", folder, "--project", slug]);
  expect(imported).toMatchObject({ code: 0, stderr: "" });
  const published = await room.platen(["publish", slug, "--env", "dev", "--watch"]);
  expect(published).toMatchObject({ code: 0, stderr: "" });
  const { tiles } = (await (await fetch(`${room.url}/dev/${slug}/release.json`)).json()) as Pick<Live, "tiles">;
  const cut = await tileFiles(folder);
  expect(tiles.tile_count).toBe(cut.size);
  const base = room.url + tiles.url.replace(/\.dzi$/, "_files");
  for (const [key, path] of cut) {
    const answer = await fetch(`${base}/${key}.${tiles.format}`);
    expect([key, answer.status]).toEqual([key, 200]);
    expect(Buffer.from(await answer.arrayBuffer()).equals(await readFile(path))).toBe(true);
  }
  return { tiles, told: imported.stdout };
}
