/** Projects: list, create, look at, delete. */
import { z } from "zod";
import { deleteProject } from "../../projects/delete-project.ts";
import { projectName, projectSlug } from "../../projects/project-folder.ts";
import { createProject, findProject, listProjects, type Project } from "../../projects/project-store.ts";
import { defineRoute, type Route } from "../route.ts";
import { wholeNumber } from "../whole-number.ts";

/** Path parameter of every route under a project. What cannot be a slug is simply not found. */
export const projectParams = z.object({ slug: z.string() });

const projectAnswer = z.object({
  slug: z.string(),
  name: z.string(),
  created_at: z.iso.datetime(),
  links: z.object({ self: z.string(), versions: z.string() }),
});

const answerOf = ({ slug, name, created_at }: Project): z.infer<typeof projectAnswer> => ({
  slug,
  name,
  created_at,
  links: { self: `/projects/${slug}`, versions: `/projects/${slug}/versions` },
});

export const projectRoutes: Route[] = [
  defineRoute({
    method: "get",
    path: "/projects",
    summary: "List projects",
    role: "viewer",
    query: z.object({
      after: z.string().max(63).default("").meta({ description: "`next` of the page before" }),
      limit: wholeNumber(1, 500, 100),
    }),
    responses: {
      200: {
        description: "Projects by slug; `next` is null on the last page",
        schema: z.object({ projects: z.array(projectAnswer), next: z.string().nullable() }),
      },
    },
    async handle({ db, principal, query: { after, limit } }) {
      const found = await listProjects(db, { tenant_id: principal.tenant_id, afterSlug: after, limit: limit + 1 });
      const page = found.slice(0, limit);
      const next = found.length > limit ? (page.at(-1)?.slug ?? null) : null;
      return { status: 200, body: { projects: page.map(answerOf), next } };
    },
  }),
  defineRoute({
    method: "post",
    path: "/projects",
    summary: "Create a project",
    description: "Slugs are unique over the whole installation, because public URLs begin with them.",
    role: "admin",
    body: z.strictObject({ slug: projectSlug, name: projectName }),
    responses: { 201: { description: "Created", schema: projectAnswer } },
    async handle({ db, principal, body }) {
      const project = await createProject(db, { ...body, tenant_id: principal.tenant_id, created_by: principal.id });
      return { status: 201, body: answerOf(project), headers: { Location: `/projects/${project.slug}` } };
    },
  }),
  defineRoute({
    method: "get",
    path: "/projects/:slug",
    summary: "Look at a project",
    role: "viewer",
    params: projectParams,
    responses: { 200: { description: "The project", schema: projectAnswer } },
    async handle({ db, principal, params }) {
      const project = await findProject(db, { tenant_id: principal.tenant_id, project: params.slug });
      return { status: 200, body: answerOf(project) };
    },
  }),
  defineRoute({
    method: "delete",
    path: "/projects/:slug",
    summary: "Delete a project that was never published",
    description:
      "With its drafts, their objects, and the jobs that failed to publish them. Refused while a publish runs, and for " +
      "good once there is a release.",
    role: "admin",
    params: projectParams,
    responses: { 204: { description: "Nothing of it is left" } },
    async handle({ deps, principal, params }) {
      await deleteProject(deps, { tenant_id: principal.tenant_id, project: params.slug });
      return { status: 204 };
    },
  }),
];
