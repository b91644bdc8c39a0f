/** What a route does, in the words of the trail: made from its method and path, so that no route can be without. */

const VERBS: Record<string, string> = { post: "create", put: "replace", delete: "delete", patch: "change" };

const isParam = (segment: string): boolean => segment.startsWith(":");

/** `jobs` → `job`, `retries` → `retry`; what people call a set stays one (`overlays` of a draft are replaced as a whole). */
function singular(noun: string): string {
  if (noun.endsWith("ies")) return `${noun.slice(0, -3)}y`;
  return noun.endsWith("s") ? noun.slice(0, -1) : noun;
}

/**
 * `POST /jobs` job.create · `POST /jobs/:id/cancel` job.cancel · `PUT …/versions/:version/config` config.replace ·
 * `PUT …/tiles/:level/:name` tile.replace · `DELETE /projects/:slug` project.delete
 */
export function actionOf(route: { method: string; path: string }): { resource_type: string; action: string } {
  const segments = route.path.split("/").filter((segment) => segment !== "");
  const last = segments.at(-1) ?? "";
  const verb = VERBS[route.method] ?? route.method;
  const told = (resource_type: string, done: string) => ({ resource_type, action: `${resource_type}.${done}` });
  const named = segments.filter((segment) => !isParam(segment));
  if (isParam(last)) return told(singular(named.at(-1) ?? ""), verb);
  // A verb at the end, of what comes before it.
  const isVerb = route.method === "post" && segments.length > 1 && !last.endsWith("s");
  if (isVerb) return told(singular(named.at(-2) ?? last), last);
  return told(route.method === "post" ? singular(last) : last, verb);
}
