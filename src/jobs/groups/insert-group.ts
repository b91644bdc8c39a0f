/** A new group: its row, and a row for each member. */
import { v5 as uuidv5 } from "uuid";
import type { GroupPayload, OnFailure } from "../../../contract/group.ts";
import { titleOf } from "../../../contract/job-title.ts";
import type { Db } from "../../db.ts";
import type { Principal } from "../../tenants/principal.ts";
import { insertJob, type JobTerms } from "../new-job-store.ts";
import type { CheckedMember } from "./check-members.ts";
import { insertMembers } from "./member-store.ts";

/** The same whenever its parent makes it again: a parent that runs anew finds what it has started. */
export const memberJobId = (groupId: string, key: string): string => uuidv5(`member ${key}`, groupId);

/** The row keeps how, the members' rows keep what: a thousand payloads would be read with every report of progress. */
export async function insertGroup(
  tx: Db,
  group: JobTerms & { id: string; by: Pick<Principal, "id" | "tenant_id">; payload: Record<string, unknown> },
  members: readonly CheckedMember[],
): Promise<void> {
  const { id, by, payload: asked, ...terms } = group;
  const { on_failure, concurrency } = asked as { on_failure: OnFailure; concurrency?: number };
  const payload: GroupPayload = {
    ...{ on_failure, ...(concurrency === undefined ? {} : { concurrency }) },
    member_count: members.length,
  };
  const title = titleOf("group", group.title ?? null, { project: null, version: null, environment: null });
  await insertJob(tx, {
    ...terms,
    ...{ id, tenant_id: by.tenant_id, job_type: "group", payload, created_by: by.id },
    message: `${title} of ${members.length} is queued`,
    ...{ project_id: null, version_id: null, environment: null },
  });
  const rows = members.map((member, position) => ({ ...member, position, job_id: memberJobId(id, member.key) }));
  await insertMembers(tx, { id, tenant_id: by.tenant_id }, rows);
}
