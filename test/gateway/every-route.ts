/** Every route of the gateway as a path that can be called: a new route takes part in the tests of bad input by itself. */
import { routes } from "../../src/gateway/routes/index.ts";
import type { Route } from "../../src/gateway/route.ts";
import { createDraft } from "../support/publishing.ts";
import type { GatewayRoom } from "./gateway-room.ts";

export { routes };

/** Names of things that exist, by the name of the parameter in the route's path. */
export type Existing = Record<string, string>;

const SCHEDULE = { name: "nightly", type: "maintenance", spec: { cron: "30 2 * * *" } };

/** A draft, a job that waits, and what else the paths of routes name. */
export async function makeExisting(room: GatewayRoom): Promise<Existing> {
  const { project } = await createDraft(room);
  const { body } = await room.call("POST", `/projects/${project}/versions/1/publish`, { body: {} });
  return {
    ...{ slug: project, project, version: "1", id: body.id, level: "0", name: "0_0.png", tile: "0_0.png" },
    schedule: (await room.call("POST", "/schedules", { body: SCHEDULE })).body.id,
    ...{ environment: "dev", release: "rel_20261123000000_00000000", digest: "0".repeat(64) },
    type: "publish",
  };
}

export function pathOf(route: Route, existing: Existing): string {
  return route.path.replaceAll(/:(\w+)/g, (_, name: string) => {
    const value = existing[name];
    if (value === undefined) throw new Error(`${route.path}: say in makeExisting what stands for :${name}`);
    return value;
  });
}

export const nameOf = ({ method, path }: Route): string => `${method.toUpperCase()} ${path}`;

/** Routes that take JSON, and those that take streams, each by its name. */
export const jsonRoutes = routes.filter(({ body }) => body && !("stream" in body));
export const streamRoutes = routes.filter(({ body }) => body && "stream" in body);
/** Of them those that look into what they are sent: an upload may be anything. */
export const parsingRoutes = streamRoutes.filter(({ path }) => path !== "/uploads");
export const readingRoutes = routes.filter(({ body }) => !body);

/** A media type that the route takes. */
export function typeOf({ body }: Route): string {
  return body && "stream" in body ? body.stream[0]! : "application/json";
}
