/** The history of a job's run, as a bundle that `platen replay` reads: for those who cannot reach Temporal. */
import { Readable } from "node:stream";
import { z } from "zod";
import { AppError } from "../../errors.ts";
import { jobView } from "../../jobs/job-view.ts";
import { bundleText } from "../../replay/bundle.ts";
import { isGone, type WorkflowRun } from "../../replay/read-history.ts";
import { readVersions } from "../../replay/versions.ts";
import { begun } from "../begin-pages.ts";
import { defineRoute, type Route } from "../route.ts";
import { jobOf, jobParams, linkBases } from "./job-lookup.ts";

const query = z.strictObject({
  run_id: z.uuid().optional().describe("One of the job's runs; by default the one that its record names."),
});

export const jobHistoryRoutes: Route[] = [
  defineRoute({
    method: "get",
    path: "/jobs/:id/history",
    summary: "A job's history, to replay it",
    description:
      "A bundle for `platen replay`: the history of one run as protobuf JSON, the job, its runs, the versions. Secrets, tokens, e-mail " +
      "addresses and signed URLs are redacted, in payloads too, whatever the role. See docs/replay.md.",
    role: "operator",
    params: jobParams,
    query,
    responses: { 200: { description: "The bundle", schema: z.record(z.string(), z.unknown()) } },
    async handle(request) {
      const { deps, ctx } = request;
      const job = await jobOf(request);
      const wanted = request.query.run_id ?? job.run_id ?? undefined;
      const gone = (reason: string): AppError =>
        new AppError("history_not_found", { workflow: job.workflow_id, run: wanted ?? "none", job: job.id, reason });
      const run = await deps.histories.find(job.workflow_id, wanted);
      if (!run) throw gone(wanted ? "it never had one, or has deleted it" : "it has not started yet");
      // A history can be deleted between the two calls.
      const pages = await begun(deps.histories.pages(run)).catch((error: unknown) => {
        throw isGone(error) ? gone("it was deleted a moment ago") : error;
      });
      if (ctx.method === "HEAD") return { status: 200, headers: { "Content-Type": "application/json" } };
      const text = bundleText({
        workflow_id: run.workflow_id,
        run_id: run.run_id,
        job: jobView(job, linkBases(deps)),
        runs: await allRuns(deps.histories.runs(job.workflow_id), run),
        versions: readVersions(),
        pages,
      });
      return {
        status: 200,
        body: Readable.from(text),
        headers: {
          "Content-Type": "application/json",
          "Content-Disposition": `attachment; filename="${job.workflow_id}.platen-replay.json"`,
          "Cache-Control": "no-store",
        },
      };
    },
  }),
];

/** Temporal lists what is new a moment later, and a list that does not come is no reason to keep the history back. */
async function allRuns(listed: Promise<WorkflowRun[]>, known: WorkflowRun): Promise<WorkflowRun[]> {
  const runs = await listed.catch(() => []);
  return runs.some(({ run_id }) => run_id === known.run_id) ? runs : [known, ...runs];
}
