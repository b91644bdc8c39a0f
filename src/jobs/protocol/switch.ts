/**
 * switch: makes the release the live one of the environment, once per job for life, in one transaction. It is the point of no
 * return: from here on the publish ends `completed`, whatever is pressed.
 */
import { randomUUID } from "node:crypto";
import { transaction } from "../../db.ts";
import { AppError } from "../../errors.ts";
import * as releases from "../../releases/release-store.ts";
import { guardHolder } from "../guard-store.ts";
import { lockJob } from "../job-store.ts";
import { writeJob } from "../job-writes-store.ts";
import { isMine, publishTarget, type Grip, type ProtocolDeps } from "./attempt.ts";

/** What the earlier steps made of the version. */
export interface ReleaseToSwitch {
  release_id: string;
  published_at: string;
  /** The draft's revision that was validated and generated. */
  revision: number;
  digest: string;
  tile_set_digest: string;
  bytes: number;
  overlay_count: number;
  tile_count: number;
}

/** Answers the job's epoch; a job that has switched gets its own again. Errors: superseded, guard_lost, version_changed. */
export async function switchRelease(
  deps: Pick<ProtocolDeps, "database" | "notifier">,
  grip: Grip,
  release: ReleaseToSwitch,
): Promise<{ epoch: number }> {
  const epoch = await transaction(deps.database, async (tx) => {
    const row = await lockJob(tx, grip.job_id);
    if (!row || !isMine(row, grip)) throw new AppError("superseded", { job: grip.job_id });
    if (row.switched_at !== null && row.epoch !== null) return row.epoch;

    const { project_id, version_id, environment } = publishTarget(row);
    const { tenant_id } = row;
    const holder = await guardHolder(tx, { tenant_id, project_id, environment });
    if (holder !== row.id) throw new AppError("guard_lost", { holder: holder ?? "no job", environment });
    const version = await releases.lockVersion(tx, version_id);
    if (version.revision !== release.revision) {
      throw new AppError("version_changed", { validated: release.revision, current: version.revision });
    }

    const kept = await releases.insertRelease(tx, {
      id: release.release_id,
      tenant_id,
      project_id,
      version_id,
      revision: release.revision,
      digest: release.digest,
      tile_set_digest: release.tile_set_digest,
      bytes: release.bytes,
      overlay_count: release.overlay_count,
      tile_count: release.tile_count,
      published_at: release.published_at,
      created_by: row.created_by,
    });
    if (kept.id !== release.release_id || kept.digest !== release.digest) {
      throw new AppError("release_invalid", {
        path: "/digest",
        reason: `the version is released as ${kept.id} with digest ${kept.digest}`,
      });
    }
    await releases.markVersionPublished(tx, version_id, release.published_at);
    const next = await releases.nextEpoch(tx, { tenant_id, project_id, environment });
    await releases.insertLive(tx, {
      tenant_id,
      project_id,
      environment,
      epoch: next,
      release_id: kept.id,
      job_id: row.id,
      nonce: randomUUID(),
    });
    const message = `Switched ${environment} to ${kept.id} (epoch ${next})`;
    const data = { level: "info", message, step: row.step ?? undefined };
    const switched = { switched_at: "now", epoch: next, release_id: kept.id, last_activity_at: "now" } as const;
    await writeJob(tx, row.id, switched, [{ kind: "log", data }]);
    return next;
  });
  deps.notifier.touch(grip.job_id);
  return { epoch };
}
