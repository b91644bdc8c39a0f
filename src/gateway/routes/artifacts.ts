/** What people brought and jobs made: what it is, and its bytes. */
import { z } from "zod";
import { findAnyArtifact, findArtifact, type Artifact } from "../../artifacts/artifact-store.ts";
import { fileName } from "../../artifacts/file-name.ts";
import { checkLink, downloadUrl, expiryOf } from "../../artifacts/signed-link.ts";
import { AppError } from "../../errors.ts";
import { artifactKey } from "../../storage/keys.ts";
import { authenticate } from "../middleware/authenticate.ts";
import { objectAnswer } from "../object-answer.ts";
import { defineRoute, type Route, type RouteRequest } from "../route.ts";

/** Any text: what is no id of an artifact is one that does not exist. */
const params = z.strictObject({ id: z.string().describe("UUID") });

const artifactView = z
  .object({
    id: z.uuid(),
    kind: z.enum(["upload", "result", "errors"]),
    name: z.string(),
    media_type: z.string(),
    size: z.number().meta({ description: "Bytes" }),
    sha256: z.string().meta({ description: "Lower-case hex" }),
    job: z.uuid().nullable(),
    created_at: z.iso.datetime(),
    expires_at: z.iso
      .datetime()
      .nullable()
      .meta({ description: "When the artifact is removed; null for not by itself" }),
    download_url: z.url().meta({ description: "Opens without a key until `download_url_expires_at`" }),
    download_url_expires_at: z.iso.datetime(),
  })
  .meta({ id: "Artifact" });

const missing = (id: string): AppError => new AppError("artifact_not_found", { artifact: id });
const isId = (text: string): boolean => z.uuid().safeParse(text).success;

/** By the link's signature, else by a key. Errors: artifact_not_found, link_invalid, link_expired, unauthenticated. */
async function opened(
  request: RouteRequest<z.output<typeof params>, { expires?: string; signature?: string }>,
): Promise<Artifact> {
  const { db, deps, ctx, query } = request;
  const id = request.params.id.toLowerCase();
  if (query.signature !== undefined || query.expires !== undefined) {
    checkLink(deps.config, { id, expires: query.expires ?? "", signature: query.signature ?? "" });
    const found = isId(id) ? await findAnyArtifact(db, id) : null;
    if (!found) throw missing(request.params.id);
    return found;
  }
  const { tenant_id } = await authenticate(ctx.get("Authorization"), db, "viewer");
  const found = isId(id) ? await findArtifact(db, { tenant_id, id }) : null;
  if (!found) throw missing(request.params.id);
  return found;
}

export const artifactRoutes: Route[] = [
  defineRoute({
    method: "get",
    path: "/artifacts/:id",
    summary: "What an artifact is, with a fresh link to its bytes",
    description:
      "Each call answers a link that opens for the whole time again; links given before go on until they expire.",
    role: "viewer",
    params,
    responses: { 200: { description: "The artifact", schema: artifactView } },
    async handle({ db, deps, principal, params: { id } }) {
      const found = isId(id) ? await findArtifact(db, { tenant_id: principal.tenant_id, id }) : null;
      if (!found) throw missing(id);
      const { kind, name, media_type, size, sha256, job_id: job, created_at, expires_at } = found;
      const download_url = downloadUrl(deps.config, found.id);
      const link = { download_url, download_url_expires_at: expiryOf(download_url) };
      return {
        status: 200,
        // A cache would hand out links that have had their time.
        headers: { "Cache-Control": "no-store" },
        body: { id: found.id, kind, name, media_type, size, sha256, job, created_at, expires_at, ...link },
      };
    },
  }),
  defineRoute({
    method: "get",
    path: "/artifacts/:id/download",
    summary: "The bytes of an artifact",
    description:
      "Open to who has a signed link (`download_url`), which needs no key, and to keys of its tenant without one. Answers ranges; `ETag` is " +
      "the SHA-256 of the bytes.",
    role: null,
    params,
    query: z.strictObject({
      expires: z.string().optional().meta({ description: "Seconds since the epoch; of the link" }),
      signature: z.string().optional().meta({ description: "Of the link" }),
    }),
    responses: {
      200: { description: "The bytes", mediaType: "application/octet-stream" },
      206: { description: "The part that `Range` asks for" },
      304: { description: "Still the same" },
    },
    async handle(request) {
      const artifact = await opened(request as Parameters<typeof opened>[0]);
      const { ctx, deps } = request;
      const name = fileName(artifact.name);
      // In ASCII for those who know nothing else; all others read `filename*`, which has it whole.
      ctx.attachment(name, { fallback: name.replaceAll(/[^ -~]/g, "?") });
      return objectAnswer(request, {
        store: deps.stores.private,
        key: artifactKey(artifact.tenant, artifact.id),
        etag: `"${artifact.sha256}"`,
        mediaType: artifact.media_type,
        headers: {
          // Of the tenant: no cache that others share may keep it, and who keeps it asks again.
          "Cache-Control": "private, no-cache",
          // Even where a browser would show it: nothing in it may run, or reach out, in the gateway's name.
          "Content-Security-Policy": "default-src 'none'; sandbox",
        },
        missing: () => missing(artifact.id),
      });
    },
  }),
];
