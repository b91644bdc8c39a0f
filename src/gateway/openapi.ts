/** The OpenAPI 3.1 document, made of the list of routes and their zod schemas: nothing is described twice. */
import { z } from "zod";
import { strict } from "./middleware/validate-request.ts";
import type { Route } from "./route.ts";

type Json = Record<string, unknown>;

const problemDetails = z
  .object({
    type: z.string().meta({ description: "A heading of /docs/errors" }),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: "What happened, and what to do" }),
    action: z.string().meta({ description: "What to do, alone" }),
    code: z.string().meta({ description: "Stable; for programs" }),
    instance: z.string().optional().meta({ description: "The path; absent if the request could not be read that far" }),
    request_id: z.string(),
    errors: z
      .array(
        z.object({
          code: z.string(),
          path: z.string(),
          message: z.string(),
          in: z.string().optional(),
          value: z.unknown().optional(),
        }),
      )
      .optional()
      .meta({ description: "The single problems, where there can be many" }),
    facts: z.record(z.string(), z.unknown()),
  })
  .meta({ id: "Problem", description: "RFC 9457" });

/** `server`: where the paths begin. Every route is described once; `/api` is a second server of the same paths. */
export function openApiDocument(routes: readonly Route[], server: string): Json {
  const schemas: Record<string, unknown> = {};
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    (paths[path] ??= {})[route.method] = operation(route, schemas);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Platen",
      version: "1",
      description: "Durable publishing of map releases.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: server }, { url: `${server}/api` }],
    paths,
    components: {
      schemas,
      securitySchemes: { apiKey: { type: "http", scheme: "bearer", description: "pk_<role>_…" } },
    },
  };
}

function operation(route: Route, schemas: Record<string, unknown>): Json {
  const answers = Object.entries(route.responses).map(([status, { description, schema, mediaType }]) => {
    const type = mediaType ?? (schema ? "application/json" : null);
    const content = type ? { content: { [type]: { schema: schema ? toSchema(schema, "output", schemas) : {} } } } : {};
    return [status, { description, ...content }];
  });
  const problem = { "application/problem+json": { schema: toSchema(problemDetails, "output", schemas) } };
  return {
    operationId: [route.method, ...route.path.split(/\W+/).filter(Boolean)].join("_"),
    summary: route.summary,
    ...(route.description ? { description: route.description } : {}),
    tags: [route.path.split("/").find((part) => part !== "" && !part.startsWith(":")) ?? "delivery"],
    ...(route.role ? { security: [{ apiKey: [] }], "x-role": route.role } : { security: [] }),
    parameters: [...parameters(route, schemas)],
    ...(route.body ? { requestBody: requestBody(route.body, schemas) } : {}),
    responses: { ...Object.fromEntries(answers), default: { description: "A problem", content: problem } },
  };
}

function* parameters(route: Route, schemas: Record<string, unknown>): Generator<Json> {
  const pathSchema = route.params ? properties(route.params, schemas) : {};
  for (const [, name] of route.path.matchAll(/:(\w+)/g)) {
    yield { name, in: "path", required: true, schema: pathSchema[name!]?.schema ?? { type: "string" } };
  }
  for (const [name, { schema, required }] of Object.entries(route.query ? properties(route.query, schemas) : {})) {
    yield { name, in: "query", required, schema };
  }
  if (route.idempotent) {
    const description = "The same key with the same request answers the same job for 24 hours.";
    yield {
      name: "Idempotency-Key",
      in: "header",
      required: false,
      description,
      schema: { type: "string", maxLength: 255 },
    };
  }
}

function properties(
  schema: z.ZodType,
  schemas: Record<string, unknown>,
): Record<string, { schema: unknown; required: boolean }> {
  const { properties: found = {}, required = [] } = toSchema(schema, "input", schemas) as {
    properties?: Record<string, unknown>;
    required?: string[];
  };
  return Object.fromEntries(
    Object.entries(found).map(([name, each]) => [name, { schema: each, required: required.includes(name) }]),
  );
}

function requestBody(body: NonNullable<Route["body"]>, schemas: Record<string, unknown>): Json {
  if ("stream" in body) {
    return { required: true, content: Object.fromEntries(body.stream.map((type) => [type, {}])) };
  }
  // No body reads as {}: it is required where {} would not do.
  const required = !body.safeParse({}).success;
  return { required, content: { "application/json": { schema: toSchema(strict(body), "input", schemas) } } };
}

/** JSON Schema of one zod schema; those with a name of their own go into `schemas` and are referred to. */
function toSchema(schema: z.ZodType, io: "input" | "output", schemas: Record<string, unknown>): Json {
  const {
    $schema: _,
    $defs = {},
    ...rest
  } = z.toJSONSchema(schema, { io, unrepresentable: "any" }) as Json & { $defs?: Record<string, unknown> };
  const id = schema.meta()?.id;
  const own = refer(rest) as Json;
  for (const [name, each] of Object.entries($defs)) schemas[name] = refer(each);
  if (id === undefined) return own;
  schemas[id] = own;
  return { $ref: `#/components/schemas/${id}` };
}

/** `#/$defs/Name` → `#/components/schemas/Name`; `id` is zod's own note of the name. */
function refer(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(refer);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) => {
      if (key === "id" && typeof member === "string") return [];
      if (key === "$ref") return [[key, String(member).replace("#/$defs/", "#/components/schemas/")]];
      return [[key, refer(member)]];
    }),
  );
}
