/** group: one step, which starts the members as they are due, and ends when none is open any more. */
import type { GroupResult } from "../contract/group.ts";
import type { JobInput } from "../contract/job-input.ts";
import { proxy, WRITING } from "./activity-options.ts";
import { followMembers } from "./follow-members.ts";
import { runJob } from "./run-job.ts";

const running = { runMembers: proxy("runMembers", WRITING) };

export async function group(input: JobInput): Promise<GroupResult> {
  return runJob("group", input, ({ job, target, step, summary }) =>
    step("run_members", async () => {
      const { carried: _, ...next } = input;
      const found = await followMembers(
        "group",
        (asked) => running.runMembers.executeWithOptions(summary("members"), [{ job, target, ...asked }]),
        next,
      );
      return found.result as GroupResult;
    }),
  );
}
