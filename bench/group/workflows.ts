/** The product's group, members that do nothing in one activity; and the bare metal: a workflow with as many children of one activity each. */
import { executeChild, ParentClosePolicy, proxyActivities } from "@temporalio/workflow";
import type { JobInput } from "../../contract/job-input.ts";
import { runJob } from "../../workflows/run-job.ts";
import type { BareMember, GroupBenchActivities } from "./worker.ts";

export { group } from "../../workflows/group.ts";

const activities = proxyActivities<GroupBenchActivities>({
  startToCloseTimeout: "1 minute",
  heartbeatTimeout: "10 seconds",
  allowEagerDispatch: false,
});

/** In the place of a type whose members are not throttled. */
export async function tileGeneration(input: JobInput): Promise<object> {
  return runJob("tile_generation", input, ({ job, target, step }) =>
    step("attach", () => activities.finishNothing({ job, target })),
  );
}

export async function bareMember(member: BareMember): Promise<string> {
  return activities.writeTwice(member);
}

export async function bareGroup(ids: string[]): Promise<number> {
  const ended = await Promise.all(
    ids.map((id) =>
      executeChild(bareMember, {
        workflowId: `bare-${id}`,
        args: [{ id }],
        parentClosePolicy: ParentClosePolicy.ABANDON,
      }),
    ),
  );
  return ended.length;
}
