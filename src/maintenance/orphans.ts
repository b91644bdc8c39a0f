/** Tasks about objects that no record refers to: marked when they are first seen, removed when the grace time is over. */
import { ENVIRONMENTS } from "../../contract/publish.ts";
import * as keys from "../storage/keys.ts";
import { beginRemoval, markOrphan, orphanHours, type ObjectPlace } from "../storage/orphan-store.ts";
import { removeObjects } from "../storage/remove-objects.ts";
import type { Db } from "../db.ts";
import { forgetVerified, isPublicInUse, ownerOf, supersededReleases, type PublicPlace } from "./objects-store.ts";
import type { TaskRun } from "./tasks.ts";

/** Objects between two words that it goes on. */
export const TELL_EVERY = 10_000;
const PAGE = 200;

export interface Orphan {
  place: ObjectPlace & { tenant_id: string | null };
  inUse: (db: Db) => Promise<boolean>;
  done?: (tx: Db) => Promise<void>;
}

/** Marks the orphan, or removes it once it has been one for long enough. Answers how many objects that are, or would be: at least one. */
export async function handleOrphan(
  run: TaskRun,
  { place, inUse, done = async () => undefined }: Orphan,
): Promise<number> {
  const { deps, dry_run, holder, signal } = run;
  const { orphanGraceHours: graceHours } = deps.retention;
  const db = deps.database.em.fork();
  if (dry_run) {
    const hours = await orphanHours(db, place);
    const would = !(await inUse(db)) && (hours ?? 0) >= graceHours;
    if (would) run.found({ store: place.store, objects: place.prefix });
    return would ? 1 : 0;
  }
  if (!(await markOrphan(deps.database, place, inUse))) return 0;
  const removal = await beginRemoval(deps.database, { ...place, holder, graceHours }, { inUse, done });
  if (!removal) return 0;
  const store = deps.stores[place.store];
  const told = (count: number): void => run.told(`${count} objects of ${place.prefix}`);
  const count = await removeObjects({ database: deps.database, store }, { ...place, holder, removal }, signal, told);
  if (count === null) return 0;
  run.found({ store: place.store, objects: place.prefix, count });
  return count;
}

/** `{project}/tiles/{digest}/…` and `{project}/releases/{id}/release.json`; null for pointers, and for what is none of ours. */
export function publicPlaceOf(key: string): PublicPlace | null {
  const [project = "", kind, name = "", ...rest] = key.split("/");
  if ((ENVIRONMENTS as readonly string[]).includes(project) || name === "" || rest.length === 0) return null;
  if (kind === "tiles") return { prefix: keys.publicTilesPrefix(project, name), project, kind, name };
  if (kind !== "releases" || key !== keys.releaseKey(project, name)) return null;
  return { prefix: key, project, kind, name };
}

export async function publicOrphans(run: TaskRun): Promise<number> {
  const { deps, tenant, signal } = run;
  const db = deps.database.em.fork();
  const seen = new Set<string>();
  let looked = 0;
  let count = 0;
  for await (const { key } of deps.stores.public.list("")) {
    signal.throwIfAborted();
    looked += 1;
    if (looked % TELL_EVERY === 0) run.told(`${looked} objects looked at`);
    const place = publicPlaceOf(key);
    if (!place || seen.has(place.prefix)) continue;
    seen.add(place.prefix);
    if (await isPublicInUse(db, place)) continue;
    // Other tenants' projects are theirs; what is left of a project that is gone is anybody's.
    const tenant_id = await ownerOf(db, place.project);
    if (tenant_id !== null && tenant_id !== tenant.id) continue;
    count += await handleOrphan(run, {
      place: { store: "public", prefix: place.prefix, tenant_id },
      inUse: (on) => isPublicInUse(on, place),
      done: (tx) => forgetVerified(tx, place),
    });
  }
  return count;
}

/** A revision never comes back, and no publish is under way: nobody will read it again. */
export async function removeSuperseded({ deps, tenant, dry_run, signal, found }: TaskRun): Promise<number> {
  const db = deps.database.em.fork();
  let count = 0;
  for (let after = ""; ;) {
    const page = await supersededReleases(db, tenant.id, { after, limit: PAGE });
    for (const { release_id, project, version } of page) {
      for (const key of [
        keys.stagedContentKey(tenant.slug, project, version, release_id),
        keys.stagedManifestKey(tenant.slug, project, version, release_id),
      ]) {
        signal.throwIfAborted();
        if ((await deps.stores.private.head(key)) === null) continue;
        if (!dry_run) await deps.stores.private.delete(key);
        found({ store: "private", objects: key });
        count += 1;
      }
    }
    if (page.length < PAGE) return count;
    after = page.at(-1)?.release_id ?? after;
  }
}
