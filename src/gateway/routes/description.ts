/** The gateway's own description: every path, and what each error code means. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { AppError } from "../../errors.ts";
import { openApiDocument } from "../openapi.ts";
import { defineRoute, type Route } from "../route.ts";
import { linkBases } from "./job-lookup.ts";

const ERRORS_PAGE = new URL("../../../docs/errors.md", import.meta.url);

/** `all`: every route, these included. */
export function descriptionRoutes(all: () => Route[]): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/openapi.json",
      summary: "This description",
      role: null,
      responses: { 200: { description: "OpenAPI 3.1", schema: z.record(z.string(), z.unknown()) } },
      async handle({ deps }) {
        return { status: 200, body: openApiDocument(all(), linkBases(deps).gateway) };
      },
    }),
    defineRoute({
      method: "get",
      path: "/docs/errors",
      summary: "What each error code means",
      description: "Problems name a heading of this page as their `type`.",
      role: null,
      responses: { 200: { description: "Markdown", mediaType: "text/markdown" } },
      async handle({ ctx }) {
        const text = await readFile(ERRORS_PAGE).catch((error: unknown) => {
          throw new AppError("not_found", { path: ctx.path }, { cause: error });
        });
        ctx.body = text;
        ctx.type = "text/markdown; charset=utf-8";
        return undefined;
      },
    }),
  ];
}
