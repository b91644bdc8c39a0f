/**
 * Optimistic concurrency on drafts: who changes one may say which revision was seen, and is refused where it is another by now.
 *
 * The tag of a version and of each of its parts is its id and revision. The revision is read before what it stands for: an edit in between
 * makes the tag older than the body, so an edit that is based on it is refused once too often, and never lost.
 */
import type { z } from "zod";
import { AppError } from "../errors.ts";
import { demandRevision, findDraft, findVersion, type Version } from "../projects/version-store.ts";
import type { RouteAnswer, RouteRequest } from "./route.ts";
import type { versionParams } from "./routes/versions.ts";

type VersionRequest = Pick<RouteRequest<z.infer<typeof versionParams>>, "ctx" | "db" | "params" | "principal">;

const refOf = ({ principal, params }: VersionRequest) => ({
  ...{ tenant_id: principal.tenant_id, project: params.slug, version: params.version },
});

/** A published version has another tag than the draft that it was: its answers tell so, at the same revision. */
export function etagOf({ id, revision, status }: Pick<Version, "id" | "revision" | "status">): string {
  return `"${id}-${revision}${status === "published" ? "-published" : ""}"`;
}

/** The version, and the answer to who has it already (`If-None-Match`); else that is null. */
export async function readVersion(request: VersionRequest): Promise<{ version: Version; known: RouteAnswer | null }> {
  const version = await findVersion(request.db, refOf(request));
  const headers = tagged(version);
  // Weakly compared, as RFC 9110 wants it here: a proxy that packs answers weakens their tags.
  const known = tagsOf(request, "If-None-Match").some(({ tag }) => tag === "*" || tag === headers.ETag);
  return { version, known: known ? { status: 304, headers } : null };
}

/** Headers of an answer that tells of the version. It can change with every edit, so who keeps it asks whether it still holds. */
export const tagged = (
  version: Pick<Version, "id" | "revision" | "status">,
): { ETag: string; "Cache-Control": string } => ({
  ...{ ETag: etagOf(version), "Cache-Control": "private, no-cache" },
});

/**
 * The draft for an edit, which is held to `If-Match`: refused at once where it fails already, and by `editDraft` under the lock. Errors:
 * those of `findDraft`, invalid_request, precondition_failed.
 */
export async function draftToEdit(request: VersionRequest): Promise<Version> {
  const version = await findDraft(request.db, refOf(request));
  const expected = expectedRevisions(request, version);
  if (expected === null) return version;
  demandRevision({ ...version, expected });
  return { ...version, expected };
}

/** Null: any. A tag of another version, and a weak one, matches none. */
function expectedRevisions(request: VersionRequest, { id }: Version): number[] | null {
  const tags = tagsOf(request, "If-Match");
  if (tags.length === 0 || tags.some(({ tag }) => tag === "*")) return null;
  return tags.flatMap(({ weak, tag }) => {
    const revision = tag.startsWith(`"${id}-`) ? /^[1-9]\d{0,9}$/.exec(tag.slice(id.length + 2, -1))?.[0] : undefined;
    return weak || revision === undefined ? [] : [Number(revision)];
  });
}

/** What an edit answers. */
export function editedAnswer<Body extends { revision: number }>(version: Version, body: Body): RouteAnswer {
  return { status: 200, headers: tagged({ ...version, revision: body.revision }), body };
}

const TAG = /^(W\/)?("[\x21\x23-\x7e\x80-\xff]*")$/;

/** Entity tags of a header: `*` alone, or a list. Error: invalid_request. */
function tagsOf({ ctx }: Pick<RouteRequest, "ctx">, name: string): { weak: boolean; tag: string }[] {
  const header = ctx.get(name).trim();
  if (header === "") return [];
  if (header === "*") return [{ weak: false, tag: "*" }];
  return header.split(",").map((part) => {
    const [, weak, tag] = TAG.exec(part.trim()) ?? [];
    if (tag !== undefined) return { weak: weak !== undefined, tag };
    const message = `${name} must be * or a list of ETags in double quotes, as answers carry them`;
    const problems = [{ code: "invalid_header", path: "", message, value: header.slice(0, 200) }];
    throw new AppError("invalid_request", { count: 1, first: message }, { problems });
  });
}
