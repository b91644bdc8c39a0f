/**
 * Objects of the private store that nothing names: bytes whose artifact has gone or was never recorded, tiles that jobs cut and no draft
 * has, manifests of such jobs, and what is left of projects that were deleted.
 */
import * as keys from "../storage/keys.ts";
import { lockPlaces, type ObjectPlace } from "../storage/orphan-store.ts";
import type { Db } from "../db.ts";
import { hasArtifact } from "./objects-store.ts";
import { handleOrphan, TELL_EVERY } from "./orphans.ts";
import { cutTilesInUse, hasProject, isCutClaimed, isCutTileNamed, isManifestInUse } from "./private-objects-store.ts";
import type { TaskRun } from "./tasks.ts";

export type PrivatePlace =
  | { kind: "artifact"; id: string }
  | { kind: "tile"; project: string; folder: string; sha256: string }
  | { kind: "manifest"; project: string; job: string }
  /** Of a draft: it goes with its project. */
  | { kind: "draft"; project: string };

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const DIGEST = /^[0-9a-f]{64}$/;

/** What the key is of, by the words behind the tenant's; null for what is none of ours. */
export function privatePlaceOf(tenant: string, key: string): PrivatePlace | null {
  const [owner, project = "", ...rest] = key.split("/");
  if (owner !== tenant || project === "" || rest.length === 0) return null;
  const [first = "", second = "", third = "", fourth = ""] = rest;
  if (project === "artifacts") return rest.length === 1 && UUID.test(first) ? { kind: "artifact", id: first } : null;
  if (first === "cut" && DIGEST.test(third) && key === keys.digestKey(keys.cutTilesPrefix(tenant, project), third))
    return { kind: "tile", project, folder: second, sha256: third };
  if (first === "versions" && third === "cut" && UUID.test(fourth)) return { kind: "manifest", project, job: fourth };
  return { kind: "draft", project };
}

/** Each object is told by what names it; `inUse` asks again under the lock under which it would be claimed. */
export async function privateOrphans(run: TaskRun): Promise<number> {
  const { deps, tenant, signal } = run;
  const db = deps.database.em.fork();
  const names = createNames(db, tenant);
  const gone = new Set<string>();
  let [looked, count] = [0, 0];
  const orphan = async (prefix: string, inUse: (on: Db) => Promise<boolean>): Promise<void> => {
    const place: ObjectPlace = { store: "private", prefix };
    count += await handleOrphan(run, { place: { ...place, tenant_id: tenant.id }, inUse });
  };
  for await (const { key } of deps.stores.private.list(`${tenant.slug}/`)) {
    signal.throwIfAborted();
    looked += 1;
    if (looked % TELL_EVERY === 0) run.told(`${looked} objects looked at`);
    const place = privatePlaceOf(tenant.slug, key);
    if (!place) continue;
    if (place.kind === "artifact") {
      if (!(await hasArtifact(db, place.id))) await orphan(key, (on) => hasArtifact(on, place.id));
      continue;
    }
    const { project } = place;
    if (gone.has(project)) continue;
    if (!(await names.project(project))) {
      gone.add(project);
      await orphan(keys.projectPrefix(tenant.slug, project), (on) => hasProject(on, tenant.id, project));
    } else if (place.kind === "manifest") {
      if (!(await isManifestInUse(db, place.job))) await orphan(key, (on) => isManifestInUse(on, place.job));
    } else if (place.kind === "tile" && !(await names.tile(place))) {
      const cut = { tenant_id: tenant.id, project, prefix: keys.cutTilesPrefix(tenant.slug, project) };
      await orphan(key, async (on) => {
        // A job claims all cut tiles of its project at once.
        await lockPlaces(on, [{ store: "private", prefix: cut.prefix }]);
        return (await isCutClaimed(on, cut)) || (await isCutTileNamed(on, { ...cut, sha256: place.sha256 }));
      });
    }
  }
  return count;
}

/** What one look-up answers for many objects that lie side by side. */
function createNames(db: Db, tenant: { id: string; slug: string }) {
  const projects = new Map<string, boolean>();
  let folder = "";
  let digests: ReadonlySet<string> | "all" = new Set();
  return {
    async project(slug: string): Promise<boolean> {
      const known = projects.get(slug) ?? (await hasProject(db, tenant.id, slug));
      projects.set(slug, known);
      return known;
    },
    async tile({ project, folder: begin, sha256 }: { project: string; folder: string; sha256: string }) {
      if (folder !== `${project}/${begin}`) {
        folder = `${project}/${begin}`;
        const prefix = keys.cutTilesPrefix(tenant.slug, project);
        digests = await cutTilesInUse(db, { tenant_id: tenant.id, project, prefix, begin });
      }
      return digests === "all" || digests.has(sha256);
    },
  };
}
