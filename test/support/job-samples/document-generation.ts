import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { expect } from "vitest";
import type { DocumentGenerationResult } from "../../../contract/document-generation.ts";
import { query } from "../../../src/db.ts";
import { artifactKey } from "../../../src/storage/keys.ts";
import { versionOf, type JobSample } from "./sample.ts";

export const documentGeneration: JobSample = {
  type: "document_generation",
  async happy(room, draft) {
    const columns = [
      { header: "Ref", field: "ref" },
      { header: "Area", field: "area", type: "number" },
    ];
    const content = [
      { type: "heading", text: "Plots" },
      { type: "table", title: "Plots", columns, source: "overlays" },
    ];
    const version = await versionOf(room, draft);
    return { format: "pdf", title: "Plots of the town", project: draft.project, version, specification: { content } };
  },
  failing: async () => ({ payload: { format: "pdf", title: "T", code: "return nothing" }, code: "code_failed" }),
  stalling: null,
  later: null,
  busy: "generate",
  async expectDone(room, _draft, result) {
    const { artifact, format, left_out } = result as unknown as DocumentGenerationResult;
    expect({ format, left_out, name: artifact.name }).toEqual({
      ...{ format: "pdf", left_out: [], name: "Plots of the town.pdf" },
    });
    const found = await room.stores.private.get(artifactKey("harbour", artifact.id));
    const bytes = await buffer(found!.body);
    expect(bytes.subarray(0, 5).toString()).toBe("%PDF-");
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(artifact.sha256);
    const records = await query(
      room.database.em.fork(),
      `select id from artifacts where job_id = (select job_id from artifacts where id = $1)`,
      [artifact.id],
    );
    expect(records).toEqual([{ id: artifact.id }]);
  },
};
