/** Files for jobs: uploaded first, then named in a job's payload by their id. */
import { v7 as uuidv7 } from "uuid";
import { z } from "zod";
import { findArtifact, type Artifact } from "../../artifacts/artifact-store.ts";
import { keepUpload } from "../../artifacts/keep-upload.ts";
import { AppError } from "../../errors.ts";
import { defineRoute, type Route } from "../route.ts";

/** Of an upload of any length: what is on its way into the store. */
const HELD_BYTES = 1_000_000;
const DAY_MS = 86_400_000;

const upload = z.object({
  id: z.uuid(),
  name: z.string().meta({ description: "As it was sent, without folders and control characters" }),
  size: z.number().int().meta({ description: "Bytes" }),
  sha256: z.string().meta({ description: "Lower-case hex" }),
  media_type: z.string().meta({ description: "Told by the bytes" }),
  created_at: z.iso.datetime(),
  expires_at: z.iso
    .datetime()
    .nullable()
    .meta({ description: "It goes then, unless a job uses it before or a schedule names it" }),
  links: z.object({ self: z.string(), jobs: z.string() }),
});

const viewOf = ({ id, name, size, sha256, media_type, created_at, expires_at }: Artifact) => ({
  ...{ id, name, size, sha256, media_type, created_at, expires_at },
  links: { self: `/uploads/${id}`, jobs: "/jobs" },
});

const isId = (text: string): boolean => z.uuid().safeParse(text).success;

export const uploadRoutes: Route[] = [
  defineRoute({
    method: "post",
    path: "/uploads",
    summary: "Upload a file for a job",
    description:
      "The body is the file, as it is, whatever it is; its type is told by its bytes. Name the `id` in a job's payload, e.g. as " +
      "`source.artifact` of a bulk import.",
    role: "operator",
    query: z.object({ name: z.string().max(4_000).default("upload").meta({ description: "The file's name" }) }),
    body: { stream: ["application/octet-stream"] },
    responses: { 201: { description: "Kept", schema: upload } },
    async handle({ db, deps, principal, query, receive }) {
      const { PLATEN_MAX_UPLOAD_BYTES: limit, PLATEN_UPLOAD_DAYS: days } = deps.config;
      const { tenant_id, tenant } = principal;
      const id = uuidv7();
      const expires_at = new Date(Date.now() + days * DAY_MS).toISOString();
      const record = { ...{ id, tenant_id, tenant, expires_at }, name: query.name, created_by: principal.id };
      const place = { job_id: null, project_id: null };
      await keepUpload({ db, store: deps.stores.private }, { ...record, ...place }, receive(limit, HELD_BYTES));
      const kept = await findArtifact(db, { tenant_id, id });
      if (!kept) throw new AppError("upload_not_found", { id });
      return { status: 201, headers: { Location: `/uploads/${id}` }, body: viewOf(kept) };
    },
  }),
  defineRoute({
    method: "get",
    path: "/uploads/:id",
    summary: "Read what is known of an upload",
    role: "viewer",
    params: z.object({ id: z.string() }),
    responses: { 200: { description: "The upload", schema: upload } },
    async handle({ db, params, principal }) {
      const key = { tenant_id: principal.tenant_id, id: params.id };
      const found = isId(params.id) ? await findArtifact(db, key) : null;
      if (found?.kind !== "upload") throw new AppError("upload_not_found", { id: params.id });
      return { status: 200, body: viewOf(found) };
    },
  }),
];
