import { v7 as uuidv7 } from "uuid";
import { expect } from "vitest";
import { query } from "../../../src/db.ts";
import { keepUpload } from "../../../src/artifacts/keep-upload.ts";
import { startStallingServer } from "../stalling-server.ts";
import type { Publishing } from "../publishing.ts";
import { versionOf, type JobSample } from "./sample.ts";

/** As `POST /uploads` leaves it. Answers its id. */
export async function uploadOf(room: Publishing, body: string | Uint8Array, name = "plots.csv"): Promise<string> {
  const db = room.database.em.fork();
  const record = { tenant_id: room.tenant_id, tenant: "harbour", job_id: null, project_id: null, created_by: null };
  const bytes = (async function* () {
    yield Buffer.from(body);
  })();
  const expires_at = new Date(Date.now() + 3_600_000).toISOString();
  const kept = await keepUpload(
    { db, store: room.stores.private },
    { ...record, id: uuidv7(), name, expires_at },
    bytes,
  );
  return kept.id;
}

export interface OverlayState {
  ref: string;
  type: string;
  label: Record<string, string>;
  properties: Record<string, unknown>;
}

/** In their order. */
export const overlaysOf = (room: Publishing, versionId: string): Promise<OverlayState[]> =>
  query(
    room.database.em.fork(),
    `select ref, type, label, properties from overlays where version_id = $1 order by sort_order`,
    [versionId],
  );

export const bulkImport: JobSample = {
  type: "bulk_import",
  async happy(room, draft) {
    const artifact = await uploadOf(room, "ref,label_en,area\nplot-1,First,412.5\nplot-2,Second,007\nnowhere,,1\n");
    return { project: draft.project, version: await versionOf(room, draft), source: { artifact } };
  },
  async failing(room, draft) {
    const artifact = await uploadOf(room, "ref,area\nnowhere,1\n");
    return {
      payload: { project: draft.project, version: await versionOf(room, draft), source: { artifact } },
      code: "import_nothing_usable",
    };
  },
  async stalling(room, draft) {
    const server = await startStallingServer(
      "ref,label_en,area\nplot-1,First,412.5\n",
      "plot-2,Second,007\nnowhere,,1\n",
    );
    return {
      payload: {
        project: draft.project,
        version: await versionOf(room, draft),
        source: { url: server.url },
        format: "csv",
      },
      step: "fetch_file",
      letGo: async () => server.letGo(),
    };
  },
  later: async (room, draft) => ({
    project: draft.project,
    version: await versionOf(room, draft),
    source: { artifact: await uploadOf(room, "ref,label_en,area\nplot-1,Corrected,400\n") },
  }),
  busy: "read_rows",
  // It fetches anew: what was wrong with the file is mended where it comes from.
  async expectDone(room, draft, result) {
    expect(result).toMatchObject({
      rows: 3,
      imported: 2,
      created: 0,
      rejected: 1,
      errors_artifact: expect.any(String),
    });
    const [first, second, ...others] = await overlaysOf(room, draft.version_id);
    expect(first).toMatchObject({ label: { en: "First", ar: "قطعة 1" }, properties: { area: 412.5 } });
    expect(second).toMatchObject({ label: { en: "Second" }, properties: { area: "007" } });
    expect(others).toEqual([]);
  },
};
