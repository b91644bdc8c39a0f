/** The table of imports: what may load what. What is absent is forbidden. */
import { isBuiltin } from "node:module";
import { importsOf, type Import, type SourceFile } from "./source-files.ts";

interface Room {
  /** Rooms whose values it may load, besides its own. `library` stands for all of them. */
  values: readonly string[];
  /** Rooms of which it may only name types. */
  types?: readonly string[];
  /** Packages it may load; "any" includes Node's own modules. */
  packages: "any" | "node" | readonly string[];
  /** Packages it may not load all the same. */
  never?: RegExp;
}

const TEMPORAL_OR_HTTP = /^(@temporalio\/|koa$|@koa\/)/;

const ROOMS: Record<string, Room> = {
  contract: { values: [], packages: [] },
  workflows: { values: ["contract"], types: ["activities"], packages: ["@temporalio/workflow", "@temporalio/common"] },
  activities: { values: ["contract", "library", "src"], packages: "any" },
  migrations: { values: [], packages: ["@mikro-orm/migrations"] },
  // The files right inside src/. db.ts hands the entities to the ORM, so that room is theirs.
  src: { values: ["contract", "src/entities"], packages: "any" },
  // A library knows a format or a service; Temporal's client and Koa are not for it.
  library: { values: ["contract", "library", "src"], packages: "any", never: TEMPORAL_OR_HTTP },
  "src/gateway": { values: ["contract", "library", "src", "src/replay"], packages: "any" },
  "src/cli": { values: ["contract", "library", "src", "src/client", "src/replay"], packages: "any" },
  // Runs in browsers, too: nothing of Node's, and nothing that reads files or variables.
  "src/client": { values: ["contract"], packages: ["eventsource-parser"] },
  "src/worker": { values: ["contract", "activities", "library", "src"], packages: "any" },
  // Finds the temporal binary the way the bootstrap does.
  "src/dev": { values: ["contract", "library", "src", "bootstrap"], packages: "any" },
  // Knows histories, and nothing of databases and HTTP; workflows are a path to it, as to a worker.
  "src/replay": { values: ["contract", "src"], packages: "any", never: /^(?!@temporalio\/|node:)/ },
  web: { values: ["contract"], packages: "any" },
  // Runs before anything is installed.
  bootstrap: { values: [], packages: "node" },
  examples: { values: ["contract", "library", "src"], packages: "any" },
  test: { values: ["*"], packages: "any" },
  bench: { values: ["*"], packages: "any" },
};

/** `contract`, `src/gateway`, `src/storage`, `src` for the files right inside src/, … */
function roomOf(path: string): string {
  const [top = "", second = "", third] = path.split("/");
  return top === "src" && third !== undefined ? `src/${second}` : top;
}

function ruleOf(room: string): Room | undefined {
  return ROOMS[room] ?? (room.startsWith("src/") ? ROOMS["library"] : undefined);
}

function isLibrary(room: string): boolean {
  return room.startsWith("src/") && !(room in ROOMS);
}

/** One sentence per import that the table does not allow, and per circle of libraries. */
export function layerViolations(files: readonly SourceFile[]): string[] {
  const known = new Set(files.map((file) => file.path));
  const libraries = new Map<string, Set<string>>();
  const found: string[] = [];
  for (const file of files) {
    const room = roomOf(file.path);
    const rule = ruleOf(room);
    if (!rule) {
      found.push(`${file.path}: the table of imports has no row for ${room}`);
      continue;
    }
    for (const each of importsOf(file)) {
      const fault = each.own ? ownFault(room, rule, each, known) : packageFault(rule, each);
      if (fault) found.push(`${file.path}: ${fault}`);
      const other = roomOf(each.target);
      if (each.own && isLibrary(room) && isLibrary(other) && other !== room)
        libraries.set(room, (libraries.get(room) ?? new Set()).add(other));
    }
  }
  return [...found, ...circles(libraries)];
}

function ownFault(room: string, rule: Room, { target, typeOnly }: Import, known: Set<string>): string | null {
  const other = roomOf(target);
  if (target.endsWith(".json")) return null;
  if (!known.has(target)) return `there is no ${target} (imports name the file, with its ending)`;
  const allows = (rooms: readonly string[] = []): boolean =>
    rooms.includes("*") || rooms.includes(other) || (isLibrary(other) && rooms.includes("library"));
  if (other === room || allows(rule.values) || (typeOnly && allows(rule.types))) return null;
  return `${room} may not import ${allows(rule.types) ? "values" : "anything"} of ${other} (${target})`;
}

function packageFault(rule: Room, { target }: Import): string | null {
  if (rule.never?.test(target)) return `may not import ${target} here`;
  if (rule.packages === "any") return null;
  const allowed = rule.packages === "node" ? isBuiltin(target) : rule.packages.includes(target);
  return allowed ? null : `may not import ${target} here`;
}

function circles(graph: Map<string, Set<string>>): string[] {
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    [...(graph.get(from) ?? [])].some((next) => {
      if (next === to) return true;
      if (seen.has(next)) return false;
      return reaches(next, to, seen.add(next));
    });
  return [...graph.keys()].filter((room) => reaches(room, room)).map((room) => `${room}: imports itself in a circle`);
}
