import { v7 as uuidv7 } from "uuid";
import { expect } from "vitest";
import { keepArtifact } from "../../../src/artifacts/keep-artifact.ts";
import { query } from "../../../src/db.ts";
import type { Draft, Publishing } from "../publishing.ts";
import { versionOf, type JobSample } from "./sample.ts";

/** Keeps text as an upload; answers its id. */
export async function uploadPlan(room: Publishing, draft: Draft, plan: string | Uint8Array): Promise<string> {
  const id = uuidv7();
  const record = {
    tenant_id: draft.tenant_id,
    tenant: "harbour",
    kind: "upload" as const,
    job_id: null,
    project_id: draft.project_id,
  };
  const file = { name: "plan.svg", media_type: "image/svg+xml", created_by: room.principal.id, expires_at: null };
  await keepArtifact(
    { db: room.database.em.fork(), store: room.stores.private },
    { id, ...record, ...file },
    Buffer.from(plan),
  );
  return id;
}

const PLAN = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 400">
  <g id="Plots">
    <rect id="plot-1" x="10" y="10" width="20" height="20"><title>Plot one</title></rect>
    <path id="plot-3" d="M100 100h50v50h-50z" data-area="2500"/>
    <image href="aerial.png" width="600" height="400"/>
  </g>
</svg>`;

export const svgImport: JobSample = {
  type: "svg_import",
  happy: async (room, draft) => ({
    project: draft.project,
    version: await versionOf(room, draft),
    source: { artifact: await uploadPlan(room, draft, PLAN) },
  }),
  failing: async (room, draft) => ({
    payload: {
      project: draft.project,
      version: await versionOf(room, draft),
      source: { artifact: await uploadPlan(room, draft, PLAN.slice(0, 200)) },
    },
    code: "svg_invalid",
  }),
  stalling: null,
  later: async (room, draft) => ({
    project: draft.project,
    version: await versionOf(room, draft),
    source: { artifact: await uploadPlan(room, draft, PLAN.replace("Plot one", "Plot 1")) },
  }),
  busy: "import_plan",
  async expectDone(room, draft, result) {
    // Once, whichever attempt did it: a second time would find one overlay unchanged.
    expect(result).toMatchObject({ added: 1, changed: 1, unchanged: 0, kept: 1, left_out: 1, layers: ["Plots"] });
    const overlays = await query<{ ref: string; layer: string | null }>(
      room.database.em.fork(),
      `select ref, layer from overlays where version_id = $1 order by sort_order`,
      [draft.version_id],
    );
    expect(overlays).toEqual([
      { ref: "plot-1", layer: "Plots" },
      { ref: "plot-2", layer: null },
      { ref: "plot-3", layer: "Plots" },
    ]);
  },
};
