/** A group as answers show it: its job, and a page of its members with the states that they have now. */
import type { GroupPayload } from "../../../contract/group.ts";
import type { JobStatus } from "../../../contract/job-state.ts";
import { isFinal } from "../../../contract/job-state.ts";
import { readableJobId } from "../../../contract/workflow-id.ts";
import type { Db } from "../../db.ts";
import type { JobRecord } from "../job-queries-store.ts";
import { jobView, type LinkBases } from "../job-view.ts";
import { codeOf } from "./conclude-group.ts";
import { readMembers, type MemberRow } from "./member-store.ts";
import { planMembers, statusOf, type MemberState } from "./plan-members.ts";

export async function groupView(
  db: Db,
  job: JobRecord,
  page: { cursor: number; limit: number; status?: JobStatus | undefined },
  bases: LinkBases,
) {
  const members = await readMembers(db, job.id);
  const { on_failure = "stop" } = job.payload as Partial<GroupPayload>;
  // Of a group that has ended none begins any more.
  const rules = { on_failure, concurrency: members.length, stopping: isFinal(job.status) };
  const { states, counts } = planMembers(members, rules);
  const told = members.map((member, index) => memberView(member, states[index] ?? "waiting", bases));
  const wanted = told.filter(
    ({ position, status }) => position >= page.cursor && (page.status === undefined || status === page.status),
  );
  const next = wanted[page.limit];
  return {
    ...jobView(job, bases),
    counts,
    members: wanted.slice(0, page.limit),
    next_cursor: next ? String(next.position) : null,
  };
}

function memberView(member: MemberRow, state: MemberState, { gateway }: LinkBases) {
  const { position, key, title, weight, depends_on, job_id, generation, refused } = member;
  return {
    ...{ position, key, type: member.job_type, title, status: statusOf(state), state },
    progress: member.progress ?? 0,
    ...{ weight, depends_on, id: job_id, job_id: readableJobId(job_id), generation },
    code: codeOf(member, state),
    message: refused?.message ?? member.message,
    link: member.status === null ? null : `${gateway}/jobs/${job_id}`,
  };
}
