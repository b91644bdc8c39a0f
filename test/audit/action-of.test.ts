import { expect, test } from "vitest";
import { actionOf } from "../../src/audit/action-of.ts";
import { auditDetails } from "../../src/audit/audit-details.ts";
import { routes } from "../../src/gateway/routes/index.ts";

test.each([
  ["post", "/jobs", "job.create", "job"],
  ["post", "/jobs/:id/cancel", "job.cancel", "job"],
  ["post", "/jobs/:id/retry", "job.retry", "job"],
  ["post", "/projects", "project.create", "project"],
  ["delete", "/projects/:slug", "project.delete", "project"],
  ["post", "/projects/:slug/versions", "version.create", "version"],
  ["post", "/projects/:slug/versions/:version/publish", "version.publish", "version"],
  ["put", "/projects/:slug/versions/:version/config", "config.replace", "config"],
  ["put", "/projects/:slug/versions/:version/overlays", "overlays.replace", "overlays"],
  ["put", "/projects/:slug/versions/:version/tiles.dzi", "tiles.dzi.replace", "tiles.dzi"],
  ["put", "/projects/:slug/versions/:version/tiles/:level/:name", "tile.replace", "tile"],
  ["post", "/schedules/:id/pause", "schedule.pause", "schedule"],
  ["delete", "/dead-letters/:id", "dead-letter.delete", "dead-letter"],
])("%s %s is %s", (method, path, action, resource_type) => {
  expect(actionOf({ method, path })).toEqual({ action, resource_type });
});

test("every route that changes something has an action of its own", () => {
  const actions = routes.filter(({ method }) => method !== "get").map((route) => actionOf(route).action);
  expect(actions.filter((action) => !/^[a-z][a-z.-]*\.[a-z-]+$/.test(action))).toEqual([]);
});

test("details hold short values, and nothing that lets anyone in", () => {
  const body = {
    ...{
      type: "bulk_import",
      priority: 3,
      dry_run: true,
      api_key: "x",
      Password: "y",
      nested: { a: 1 },
      list: [1],
      no: null,
    },
    payload: {
      ...{ url: "https://user:secret@example.org/rows.csv?signature=abc#x", callback_token: "t", project: "town" },
      note: "n".repeat(500),
      said: `my key is pk_admin_${"A".repeat(43)}`,
    },
  };
  const details = auditDetails(body);
  expect(details).toEqual({
    ...{ type: "bulk_import", priority: 3, dry_run: true, project: "town" },
    url: "https://user:***@example.org/rows.csv?…",
    note: `${"n".repeat(200)}…`,
    said: "my key is pk_admin_***",
  });
  expect(auditDetails({ note: `${"n".repeat(199)}😀😀` })["note"]).toBe(`${"n".repeat(199)}\ufffd…`);
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`f${at}`, at]));
  expect(Object.keys(auditDetails(many))).toHaveLength(20);
  for (const odd of [null, undefined, 7, "text", []]) expect(auditDetails(odd)).toEqual({});
});
