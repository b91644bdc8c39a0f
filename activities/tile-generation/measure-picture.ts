/** Step 1: which picture is cut, and how large is it? Whether it is too large is known before anything is decoded. */
import { join } from "node:path";
import type { StepInput } from "../../contract/job-input.ts";
import type { MeasuredPicture, TileGenerationPayload } from "../../contract/tile-generation.ts";
import { keepInUse } from "../../src/artifacts/artifact-store.ts";
import { AppError } from "../../src/errors.ts";
import { fetchPicture } from "../../src/projects/put-source-picture.ts";
import { findSourcePicture } from "../../src/projects/source-picture-store.ts";
import { findDraft } from "../../src/projects/version-store.ts";
import { runPictureChild } from "../../src/tiles/cut/run-picture-child.ts";
import { inScratch } from "../../src/tiles/cut/scratch.ts";
import { draftOf, planOf, requireCuttable } from "../../src/tiles/cut/cut-plan.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import { inStep } from "../steps.ts";

/** Errors: picture_missing, picture_unreadable, picture_too_large, picture_timeout, picture_memory, version_published (all final). */
export async function measurePicture(deps: ActivityDeps, input: StepInput): Promise<MeasuredPicture> {
  return inStep(deps, input, { name: "measure", begins: "Measuring the picture" }, async (tools) => {
    const { tenant_id, payload } = tools.row;
    const { source } = payload as Pick<TileGenerationPayload, "source">;
    const db = deps.database.em.fork();
    const draft = await findDraft(db, { tenant_id, ...draftOf(payload) });
    const { revision } = draft;
    const own = source ? null : await findSourcePicture(db, draft.id);
    const key = { tenant_id, id: source?.artifact ?? own?.artifact ?? draft.id };
    // The next step reads it too, an hour from now perhaps.
    const artifact = await keepInUse(db, { ...key, days: deps.config.PLATEN_UPLOAD_DAYS });
    if (!artifact) throw new AppError("picture_missing", { project: draft.project, version: draft.number });
    const { id, sha256 } = artifact;
    // What came in as the draft's source was measured then, and its bytes are compared when it is cut.
    const size =
      own ??
      (await inScratch(deps.pictures.scratch, async (scratch) => {
        const picture = join(scratch, "picture");
        if (!(await fetchPicture(deps.stores.private, artifact, picture))) throw lost();
        return runPictureChild({ picture, scratch }, deps.pictures, { doing: "measured", signal: tools.signal });
      }));
    const { width, height } = size;
    await tools.size(requireCuttable({ width, height }, planOf(payload), deps.pictures.pixels));
    const result = { revision, artifact: id, sha256, own: own !== null, width, height };
    return { result, message: `The picture has ${width} × ${height} pixels` };
  });
}

/** For bytes that are not the ones that were kept. */
export const lost = (): AppError =>
  new AppError("picture_unreadable", {
    reason: "its bytes in the store are not the ones that were sent; send it again",
  });
