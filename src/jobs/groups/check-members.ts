/** Everything that is wrong with the members of a group, each problem at its place, before anything is made; the uploads that they name are kept. */
import { definitionOf, isJobType, JOB_TYPES, type JobType } from "../../../contract/job-types.ts";
import { runSecondsOf } from "../../../contract/job-start.ts";
import type { Problem } from "../../../contract/problem.ts";
import type { Db } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { judge } from "../../projects/schema-problems.ts";
import { mayActAs, type Principal } from "../../tenants/principal.ts";
import { keepNamedUploads, type Naming } from "../named-uploads.ts";
import { payloadSchema } from "../payload-schema.ts";
import { createSubjects } from "./begin-members.ts";
import { findCycle } from "./find-cycle.ts";
import type { NewMember } from "./member-store.ts";

/** A member as the payload's schema lets it through. */
interface AskedMember {
  key: string;
  type: string;
  payload: Record<string, unknown>;
  depends_on: string[];
  weight: number;
  priority?: number;
  title?: string;
}

export type CheckedMember = Omit<NewMember, "position" | "job_id">;

/** Told one by one, as of any request. */
const MAX_PROBLEMS = 100;

/**
 * `payload`: as the schema of groups lets it through. `at`: its pointer in the request. Errors: forbidden, invalid_request with all
 * problems. What a publish's guard and readiness say is asked when its turn comes: the members before it make it ready.
 */
export async function checkMembers(
  db: Db,
  group: { payload: Record<string, unknown>; by: Principal; at: string; priority?: number },
): Promise<CheckedMember[]> {
  const { by, priority = 3 } = group;
  const asked = group.payload["members"] as AskedMember[];
  demandMemberRoles(group.payload, by);
  const problems = [...keyProblems(asked), ...dependencyProblems(asked)];
  const subjects = createSubjects(db, by.tenant_id);
  const checked: CheckedMember[] = [];
  const naming: Naming[] = [];
  for (const [index, member] of asked.entries()) {
    const found = await checkMember(member, subjects);
    if ("problems" in found)
      problems.push(...found.problems.map((each) => ({ ...each, path: `/members/${index}${each.path}` })));
    else {
      checked.push({ ...found, priority: member.priority ?? priority });
      naming.push({ type: found.job_type, payload: found.payload, at: `/members/${index}/payload` });
    }
  }
  // A member's turn may come as late as the group may end.
  const wait = runSecondsOf("group");
  problems.push(...(await keepNamedUploads(db, { tenant_id: by.tenant_id, jobs: naming, wait })));
  const placed = problems.map((each) => ({ ...each, path: group.at + each.path, in: "body" }));
  const [first] = placed;
  if (!first) return checked;
  const facts = { count: placed.length, first: `${first.path.slice(1)} in the body: ${first.message}` };
  throw new AppError("invalid_request", facts, { problems: placed.slice(0, MAX_PROBLEMS) });
}

/** Error: forbidden, where `by` may not start each of its members. */
export function demandMemberRoles(payload: Record<string, unknown>, by: Principal): void {
  for (const { type } of payload["members"] as AskedMember[]) {
    if (!isJobType(type)) continue;
    const { role: needed } = definitionOf(type);
    if (!mayActAs(by.role, needed)) throw new AppError("forbidden", { needed, role: by.role });
  }
}

type Subjects = ReturnType<typeof createSubjects>;

/** As POST /jobs would: type, payload, and what the payload names. */
async function checkMember(
  { key, type, payload, depends_on, weight, title }: AskedMember,
  subjects: Subjects,
): Promise<Omit<CheckedMember, "priority"> | { problems: Problem[] }> {
  if (!isJobType(type)) {
    const types = Object.keys(JOB_TYPES).filter((each) => each !== "group");
    const message = `there is no job type ${JSON.stringify(type.slice(0, 100))}; use one of: ${types.join(", ")}`;
    return { problems: [{ code: "job_type_unknown", path: "/type", message, value: type.slice(0, 100) }] };
  }
  if (type === "group") {
    const message = "a group cannot be a member of a group; put its members here, and say what they depend on";
    return { problems: [{ code: "group_in_group", path: "/type", message, value: type }] };
  }
  const judged = judge(payloadSchema(type), payload);
  if (judged.data === undefined)
    return { problems: judged.problems.map((each) => ({ ...each, path: `/payload${each.path}` })) };
  const missing = await subjectProblem(type, judged.data, subjects);
  if (missing) return { problems: [missing] };
  return { key, job_type: type, payload: judged.data, depends_on, weight, title: title ?? null };
}

async function subjectProblem(
  type: JobType,
  payload: Record<string, unknown>,
  subjects: Subjects,
): Promise<Problem | null> {
  try {
    await subjects({ job_type: type }, payload);
    return null;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const field = error.code === "project_not_found" ? "project" : "version";
    const { code, message, action } = error;
    return { code, path: `/payload/${field}`, message: `${message} ${action}`, value: payload[field] };
  }
}

function keyProblems(asked: readonly AskedMember[]): Problem[] {
  const first = new Map<string, number>();
  return asked.flatMap(({ key }, index) => {
    const other = first.get(key);
    if (other === undefined) {
      first.set(key, index);
      return [];
    }
    const message = `member ${other} has this key already; each needs one of its own`;
    return [{ code: "duplicate_key", path: `/members/${index}/key`, message, value: key }];
  });
}

function dependencyProblems(asked: readonly AskedMember[]): Problem[] {
  const keys = new Set(asked.map(({ key }) => key));
  const unknown = asked.flatMap(({ depends_on }, index) =>
    depends_on.flatMap((key, at) => {
      if (keys.has(key)) return [];
      const message = "there is no member with this key";
      return [{ code: "unknown_dependency", path: `/members/${index}/depends_on/${at}`, message, value: key }];
    }),
  );
  const cycle = findCycle(asked);
  if (!cycle) return unknown;
  const index = asked.findIndex(({ key }) => key === cycle[0]);
  const message = `it waits for itself: ${[...cycle, cycle[0]].join(" → ")}`;
  return [...unknown, { code: "dependency_cycle", path: `/members/${index}/depends_on`, message }];
}
