import { validate } from "@readme/openapi-parser";
import { describe, expect, it } from "vitest";
import { openApiDocument } from "../../src/gateway/openapi.ts";
import { routes } from "../../src/gateway/routes/index.ts";

const document = openApiDocument(routes, "http://platen.test") as {
  paths: Record<
    string,
    Record<string, { operationId: string; security: unknown[]; responses: Record<string, unknown> }>
  >;
  components: { schemas: Record<string, unknown> };
};

describe("the OpenAPI document", () => {
  it("is valid OpenAPI 3.1", async () => {
    const result = await validate(structuredClone(document) as never);
    expect(result).toMatchObject({ valid: true, specification: "OpenAPI" });
  });

  it("has every route, with its role and its problems, and no other", () => {
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(described.toSorted()).toEqual(
      routes.map((route) => `${route.method} ${route.path.replaceAll(/:(\w+)/g, "{$1}")}`).toSorted(),
    );
    for (const route of routes) {
      const operation = document.paths[route.path.replaceAll(/:(\w+)/g, "{$1}")]![route.method]!;
      expect(operation.security).toEqual(route.role ? [{ apiKey: [] }] : []);
      expect(Object.keys(operation.responses)).toContain("default");
    }
  });

  it("names each operation once, and every reference leads to a schema", () => {
    const ids = Object.values(document.paths).flatMap((methods) =>
      Object.values(methods).map((operation) => operation.operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, name] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      expect(Object.keys(document.components.schemas)).toContain(name);
    }
    expect(JSON.stringify(document)).not.toContain("$defs");
  });

  it("describes no two routes that answer the same request", () => {
    const shapes = routes.map((route) => `${route.method} ${route.path.replaceAll(/:\w+/g, ":")}`);
    expect(new Set(shapes).size).toBe(shapes.length);
  });
});
