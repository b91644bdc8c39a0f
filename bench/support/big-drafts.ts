/** Big drafts in the stack: one imported as users do it, and copies of it as projects of their own. */
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { createServer } from "../../src/cli/server.ts";
import { readProjectFolder } from "../../src/cli/import/read-project-folder.ts";
import { uploadProject } from "../../src/cli/import/upload-project.ts";
import { query, queryOne, transaction, type Database } from "../../src/db.ts";
import type { StackFile } from "../../src/dev/stack-file.ts";
import { createProject } from "../../src/projects/project-store.ts";
import { copyContent, insertVersion } from "../../src/projects/version-store.ts";
import { draftPrefix } from "../../src/storage/keys.ts";

/** As many as the two cores of a small machine keep busy. */
const PARALLEL = 12;

/** Imports the folder with the code of `platen import`, through the gateway. */
export async function importFolder(
  stack: StackFile,
  options: { folder: string; project: string; version?: number },
): Promise<void> {
  const { signal } = new AbortController();
  const folder = await readProjectFolder(options.folder, signal);
  const server = createServer({ url: stack.gateway, apiKey: stack.api_keys.admin }, signal);
  await uploadProject({
    ...{ server, folder, signal, slug: options.project, version: options.version, parallel: PARALLEL },
    ...{ resend: false, say: () => undefined, onTile: () => undefined },
  });
}

/** Where a draft's tile files are. */
export function draftTiles(stack: StackFile, project: string): string {
  return join(stack.store, "private", draftPrefix("demo", project, 1), "tiles");
}

/** Makes version 1 of `to` what version 1 of `from` is: the same rows, and files of their own. Much faster than an import. */
export async function copyDraft(
  stack: StackFile,
  database: Database,
  { from, to }: { from: string; to: string },
): Promise<void> {
  await transaction(database, async (tx) => {
    const source = await queryOne<{ id: string; tenant_id: string }>(
      tx,
      `select v.id, v.tenant_id from versions v join projects p on p.id = v.project_id where p.slug = $1`,
      [from],
    );
    if (!source) throw new Error(`there is no project ${from}`);
    const { tenant_id } = source;
    const { id: project_id } = await createProject(tx, { tenant_id, slug: to, name: to, created_by: null });
    const { id } = await insertVersion(tx, { tenant_id, project_id, created_by: null });
    await copyContent(tx, { tenant_id, from: source.id, to: id });
    await query(
      tx,
      `insert into tiles (version_id, key, tenant_id, size, sha256, media_type)
       select $2, key, tenant_id, size, sha256, media_type from tiles where version_id = $1`,
      [source.id, id],
    );
  });
  const target = draftTiles(stack, to);
  await mkdir(dirname(target), { recursive: true });
  await promisify(execFile)("cp", ["-r", "--reflink=never", draftTiles(stack, from), target]);
}

/** Makes version 2 of the project as a copy of version 1, with the overlays of `folder`. */
export async function nextVersion(stack: StackFile, project: string, folder: string): Promise<void> {
  const headers = { authorization: `Bearer ${stack.api_keys.admin}`, "content-type": "application/json" };
  const body = JSON.stringify({ copy_from: 1 });
  const made = await fetch(`${stack.gateway}/projects/${project}/versions`, { method: "POST", headers, body });
  if (!made.ok) throw new Error(`version 2 of ${project} was refused: ${await made.text()}`);
  await made.body?.cancel();
  await importFolder(stack, { folder, project, version: 2 });
}
