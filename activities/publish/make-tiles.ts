/**
 * Before validating: a version that has a source picture and no tiles gets them from a job of its own, a child of the publish. Again and
 * again until that has ended, like the members of a group.
 */
import type { MembersInput, MembersLook } from "../../contract/members.ts";
import { AppError } from "../../src/errors.ts";
import { memberJobId } from "../../src/jobs/groups/insert-group.ts";
import { insertMembers } from "../../src/jobs/groups/member-store.ts";
import { inMembersStep } from "../group/run-members.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import type { StepTools } from "../beating.ts";

/** Of the child among the publish's members. */
const KEY = "tiles";

/** For a child that this run has not started: one slot for one child, and a history that does not grow while it is awaited. */
const STAY_MS = 600_000;

/** Error: tiles_not_made (final). */
export async function makeTiles(deps: ActivityDeps, input: MembersInput): Promise<MembersLook> {
  const entry = { step: "validate", message: "Cutting the tiles from the source picture", keeps: "progress" as const };
  return inMembersStep(
    deps,
    input,
    { ...entry, stayMs: STAY_MS },
    async (_tools, { stand, members: [tiles] }) => {
      if (!stand.ended || input.stopping || stand.counts.completed > 0) return {};
      const reason = tiles?.refused?.message ?? tiles?.message ?? "Its job was not begun.";
      throw new AppError("tiles_not_made", { job: tiles?.job_id, reason });
    },
    (tools) => wantTiles(deps, input, tools),
  );
}

/** As often as it is called there is one: a publish that runs anew finds it. */
async function wantTiles(deps: ActivityDeps, { target }: MembersInput, { row }: StepTools): Promise<void> {
  const payload = { project: target.project, version: target.version };
  const about = { key: KEY, job_id: memberJobId(row.id, KEY), job_type: "tile_generation" as const, payload };
  const terms = { position: 0, title: null, priority: row.priority, weight: 1, depends_on: [] };
  await insertMembers(deps.database.em.fork(), row, [{ ...about, ...terms }]);
}
