/** The picture that a draft's tiles are cut from. */
import { z } from "zod";
import { AppError } from "../../errors.ts";
import { putSourcePicture } from "../../projects/put-source-picture.ts";
import { deleteSourcePicture, findSourcePicture } from "../../projects/source-picture-store.ts";
import { editDraft } from "../../projects/version-store.ts";
import { PICTURE_MEDIA_TYPES } from "../../tiles/cut/picture-kind.ts";
import { pictureSettings } from "../../tiles/cut/picture-settings.ts";
import { draftToEdit, editedAnswer, readVersion, tagged } from "../draft-etag.ts";
import { defineRoute, type Route } from "../route.ts";
import { versionParams } from "./versions.ts";

/** Of a picture that streams by. */
const HELD_BYTES = 262_144;

const sourceAnswer = z.object({
  artifact: z.uuid(),
  media_type: z.enum(PICTURE_MEDIA_TYPES).meta({ description: "By the picture's bytes" }),
  width: z.number().int().meta({ description: "Pixels, as it is seen: a photo's own note how to turn it is obeyed" }),
  height: z.number().int(),
  size: z.number().int().meta({ description: "Bytes" }),
  sha256: z.string(),
  revision: z.number().int(),
});

export const sourcePictureRoutes: Route[] = [
  defineRoute({
    method: "get",
    path: "/projects/:slug/versions/:version/source",
    summary: "Look at a version's source picture",
    role: "viewer",
    params: versionParams,
    responses: { 200: { description: "What it is", schema: sourceAnswer.extend({ updated_at: z.iso.datetime() }) } },
    async handle(request) {
      const { version, known } = await readVersion(request);
      if (known) return known;
      const picture = await findSourcePicture(request.db, version.id);
      if (!picture) throw new AppError("picture_missing", { project: version.project, version: version.number });
      return { status: 200, headers: tagged(version), body: { ...picture, revision: version.revision } };
    },
  }),
  defineRoute({
    method: "put",
    path: "/projects/:slug/versions/:version/source",
    summary: "Replace a draft's source picture",
    description:
      "PNG, JPEG, WebP, TIFF or SVG, told by its bytes. It is measured before it is kept. A job of type `tile_generation` cuts it. The same again changes nothing.",
    role: "admin",
    params: versionParams,
    body: { stream: [...Object.values(PICTURE_MEDIA_TYPES), "application/octet-stream"] },
    responses: {
      200: {
        description: "It is there; `changed` is false if it was already",
        schema: sourceAnswer.extend({ changed: z.boolean() }),
      },
    },
    async handle(request) {
      const { db, deps, principal } = request;
      const version = await draftToEdit(request);
      const body = await putSourcePicture({
        db,
        store: deps.stores.private,
        pictures: pictureSettings(deps.config),
        version,
        chunks: request.receive(deps.config.PLATEN_MAX_PICTURE_BYTES, HELD_BYTES),
        created_by: principal.id,
      });
      return editedAnswer(version, body);
    },
  }),
  defineRoute({
    method: "delete",
    path: "/projects/:slug/versions/:version/source",
    summary: "Take a draft's source picture away",
    description: "Its tiles stay.",
    role: "admin",
    params: versionParams,
    responses: {
      200: { description: "It has none", schema: z.object({ changed: z.boolean(), revision: z.number().int() }) },
    },
    async handle(request) {
      const version = await draftToEdit(request);
      const body = await editDraft(request.db, version, async (tx) => ({
        changed: await deleteSourcePicture(tx, version.id),
      }));
      return editedAnswer(version, body);
    },
  }),
];
