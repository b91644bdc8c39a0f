/** Step 1: may the version be published? All problems at once. Reserves the release: id and time, fixed from here on. */
import { randomBytes } from "node:crypto";
import type { ValidatedVersion } from "../../contract/publish.ts";
import { AppError } from "../../src/errors.ts";
import { findVersion } from "../../src/projects/version-store.ts";
import { findReleaseOfVersion, reserveRelease, type Reservation } from "../../src/releases/release-store.ts";
import { validateVersion } from "../../src/releases/validate-version.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import { inStep } from "../steps.ts";
import type { PublishStepInput } from "./step-input.ts";

/** Errors: version_invalid (final, carries the problems). */
export async function validate(deps: ActivityDeps, input: PublishStepInput): Promise<ValidatedVersion> {
  const { project, version: number } = input.target;
  return inStep(deps, input, { name: "validate", begins: `Validating ${project} version ${number}` }, async (tools) => {
    const db = deps.database.em.fork();
    // The revision is read before the draft: an edit in between is seen by the steps that follow, never missed.
    const version = await findVersion(db, { tenant_id: tools.row.tenant_id, project, version: number });
    const found = await validateVersion(db, deps.stores, version, {
      signal: tools.signal,
      keepVerdicts: true,
      onProgress: (done, total) =>
        tools.report(total === 0 ? 1 : done / total, `${done} of ${total} overlays and tiles checked`),
    });
    const [first] = found.problems;
    if (first) {
      const summary = `${first.path}: ${first.message}`;
      throw new AppError(
        "version_invalid",
        { count: found.problems.length, first: summary },
        { problems: found.problems },
      );
    }
    await tools.size(found.overlay_count + found.tile_count);
    const released = await findReleaseOfVersion(db, version.id);
    const reserved: Reservation = released
      ? { release_id: released.id, published_at: released.published_at }
      : await reserveRelease(db, {
          tenant_id: version.tenant_id,
          version_id: version.id,
          revision: version.revision,
          // By the server's clock: a worker's may be wrong, and the time is for ever.
          candidate: newReservation(new Date(tools.grip.attempt_at)),
        });
    return {
      result: {
        revision: version.revision,
        ...reserved,
        overlay_count: found.overlay_count,
        tile_count: found.tile_count,
      },
      message: `Valid: ${found.overlay_count} visible overlays, ${found.tile_count} tiles; this is release ${reserved.release_id}`,
    };
  });
}

/** `rel_YYYYMMDDHHMMSS_xxxxxxxx`, UTC. */
function newReservation(now: Date): Reservation {
  const stamp = now.toISOString().replaceAll(/\D/g, "").slice(0, 14);
  return { release_id: `rel_${stamp}_${randomBytes(4).toString("hex")}`, published_at: now.toISOString() };
}
