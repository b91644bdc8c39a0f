/** The table of job types, for whoever starts, shows or describes jobs. */
import { z } from "zod";
import { isJobType } from "../../../contract/job-types.ts";
import { QUEUES } from "../../../contract/job-type-definition.ts";
import { AppError } from "../../errors.ts";
import { jobTypes, jobTypeView } from "../../jobs/job-type-view.ts";
import { defineRoute, type Route } from "../route.ts";
import { jobType } from "./job-schemas.ts";

const jsonSchema = z.record(z.string(), z.unknown());

const jobTypeSchema = z
  .object({
    type: jobType,
    label: z.string(),
    description: z.string(),
    icon: z.string().meta({ description: "Name of a Lucide icon" }),
    color: z.string().meta({ description: "Name of a palette of Tailwind's" }),
    queue: z.enum(QUEUES).meta({ description: "Which workers take it" }),
    resource: z.string().meta({ description: "What a job is about: draft, version, project, tenant" }),
    resource_link: z.string().nullable().meta({ description: "Path; `{name}` is filled from the job" }),
    child_types: z.array(z.string()).meta({ description: "Types of the jobs that it starts itself" }),
    uploads: z
      .array(z.string())
      .meta({ description: "Where the payload names uploads: JSON pointers, `*` for each of a list" }),
    steps: z.array(
      z.object({
        name: z.string(),
        label: z.string(),
        percent: z.int().meta({ description: "Progress of the job once the step is done" }),
        weight: z.int().meta({ description: "Percent of the job that the step is" }),
        stall_seconds: z.int(),
      }),
    ),
    role: z.enum(["operator", "admin"]).meta({ description: "Who may start one" }),
    capabilities: z.object({
      cancel: z.boolean(),
      retry: z.boolean(),
      throttled: z.int().nullable().meta({ description: "How many run at a time per tenant and queue" }),
    }),
    timeout_seconds: z.int(),
    max_retries: z.int(),
    size_unit: z.string().nullable().meta({ description: "What there is to do is counted in it, for the ETA" }),
    toasts: z.object({ completed: z.string(), failed: z.string() }),
    payload: jsonSchema.meta({ description: "JSON Schema of `payload` in the request" }),
    result: jsonSchema.meta({ description: "JSON Schema of `result` in the job" }),
  })
  .meta({ id: "JobTypeDefinition" });

export const jobTypeRoutes: Route[] = [
  defineRoute({
    method: "get",
    path: "/job-types",
    summary: "The table of job types",
    description: "What can be started with POST /jobs: labels, steps, queues, and JSON Schemas of payload and result.",
    role: "viewer",
    responses: { 200: { description: "All of them", schema: z.object({ job_types: z.array(jobTypeSchema) }) } },
    async handle() {
      return { status: 200, body: { job_types: jobTypes().map(jobTypeView) } };
    },
  }),
  defineRoute({
    method: "get",
    path: "/job-types/:type",
    summary: "One job type",
    role: "viewer",
    params: z.strictObject({ type: z.string() }),
    responses: { 200: { description: "Its row of the table", schema: jobTypeSchema } },
    async handle({ params: { type } }) {
      if (!isJobType(type)) throw new AppError("job_type_not_found", { type, types: jobTypes().join(", ") });
      return { status: 200, body: jobTypeView(type) };
    },
  }),
];
