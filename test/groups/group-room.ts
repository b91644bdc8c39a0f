/** A room for groups: workers, a reconciler that goes round, and members by key. */
import { expect } from "vitest";
import { query } from "../../src/db.ts";
import { memberJobId } from "../../src/jobs/groups/insert-group.ts";
import { readMembers, type MemberRow } from "../../src/jobs/groups/member-store.ts";
import type { JobTerms } from "../../src/jobs/new-job-store.ts";
import { createChaosRoom, type ChaosRoom } from "../support/chaos-room.ts";
import type { CommitGate } from "../support/commit-gate.ts";
import { startSample, versionOf } from "../support/job-samples/sample.ts";
import {
  createDraft,
  jobRow,
  ledger,
  type Draft,
  type DraftOptions,
  type PublishingOptions,
} from "../support/publishing.ts";

export interface GroupRoom {
  room: ChaosRoom;
  /** Starts a group, unless told otherwise; answers its id. */
  begin(payload: Record<string, unknown>, options?: { terms?: JobTerms; start?: boolean }): Promise<string>;
  /** Members by key: their states, `null` for one that is no job. */
  states(group: string): Promise<Record<string, string | null>>;
  member(group: string, key: string): Promise<MemberRow>;
  /** Holds a member at the beginning of a step: of the one that does next to nothing, by default. */
  hold(group: string, key: string, step?: string): Promise<CommitGate>;
  /** A member that publishes a new draft. */
  publishOf(
    key: string,
    draft?: DraftOptions,
  ): Promise<{ key: string; type: string; payload: object } & { draft: Draft }>;
}

/** A member that does next to nothing. Throttled: one of a tenant's at a time. */
export const nothing = (key: string, ...depends_on: string[]) => ({
  ...{ key, type: "maintenance", payload: { dry_run: true } },
  ...(depends_on.length > 0 ? { depends_on } : {}),
});

/** What makes a publish fail in its work, not before. */
export const CROOKED: DraftOptions = {
  overlays: [
    {
      geometry: {
        type: "Polygon",
        coordinates: [
          [
            [0, 0],
            [4, 4],
            [4, 0],
            [0, 4],
            [0, 0],
          ],
        ],
      },
    },
  ],
};

export async function createGroupRoom(options: PublishingOptions = {}): Promise<GroupRoom> {
  const room = await createChaosRoom(options);
  // It would start members before their workflow does, on a busy machine.
  room.reconcile(300, 1_500);
  const owner = { tenant_id: room.tenant_id, project: "", project_id: "", version_id: "" };
  const member = async (group: string, key: string): Promise<MemberRow> => {
    const found = (await readMembers(room.database.em.fork(), group)).find((each) => each.key === key);
    if (!found) throw new Error(`no member ${key}`);
    return found;
  };
  return {
    room,
    member,
    begin: (payload, options = {}) => startSample(room, owner, { type: "group", payload, ...options }),
    async states(group) {
      const members = await readMembers(room.database.em.fork(), group);
      return Object.fromEntries(members.map(({ key, status }) => [key, status]));
    },
    hold: (group, key, step = "sweep") =>
      room.gates.close({
        ...{ job_id: memberJobId(group, key), kind: "step", data: { step, status: "running" } },
      }),
    async publishOf(key, options) {
      const draft = await createDraft(room, options);
      const version = await versionOf(room, draft);
      return { key, type: "publish", payload: { project: draft.project, version, target_environment: "dev" }, draft };
    },
  };
}

/** What a request may have: without what a test keeps beside it. */
export const asked = ({ key, type, payload }: Awaited<ReturnType<GroupRoom["publishOf"]>>) => ({ key, type, payload });

/** The members' ends that the group's ledger tells, in its order: `key state`. */
export async function endsTold({ room }: GroupRoom, group: string): Promise<string[]> {
  const events = await ledger(room, group);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  return events.flatMap(({ data }) => {
    const told = data["member"] as { key: string; status: string } | undefined;
    return told ? [`${told.key} ${told.status}`] : [];
  });
}

/** Temporal's id of the parent of a member's first run; null for one that no workflow has started. */
export async function parentOf({ room }: GroupRoom, group: string, key: string): Promise<string | null> {
  const { workflow_id } = await jobRow(room, memberJobId(group, key));
  const { raw } = await room.temporal.client.workflow.getHandle(workflow_id).describe();
  return raw.workflowExecutionInfo?.parentExecution?.workflowId ?? null;
}

export async function countsOf({ room }: GroupRoom, group: string): Promise<Record<string, number>> {
  const [row] = await query<{ members: Record<string, number> }>(
    room.database.em.fork(),
    `select members from jobs where id = $1`,
    [group],
  );
  return Object.fromEntries(Object.entries(row?.members ?? {}).filter(([, count]) => count > 0));
}
