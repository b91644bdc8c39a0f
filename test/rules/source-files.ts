/** The project's own source, parsed once: what a rule is a function of. */
import { readdirSync, readFileSync, existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { dirname, join, posix } from "node:path";
import { parseSync } from "oxc-parser";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Folders whose code is ours. */
const FOLDERS = [
  "bootstrap",
  "contract",
  "workflows",
  "activities",
  "migrations",
  "src",
  "web",
  "test",
  "bench",
  "examples",
];

/** `path` is relative to the project, with `/`. */
export interface SourceFile {
  path: string;
  text: string;
}

export interface Import {
  /** A path relative to the project for our own files (which may not exist), else the module's name. */
  target: string;
  own: boolean;
  /** Erased before the code runs. `import { type A }` is not: it still loads the module (`verbatimModuleSyntax`). */
  typeOnly: boolean;
}

/** Any node of the syntax tree (ESTree with TypeScript's). */
export interface Node {
  type: string;
  [property: string]: unknown;
}

/** Every source file of the project; tests of rules pass a list of their own instead. */
export function sourceFiles(): SourceFile[] {
  return FOLDERS.filter((folder) => existsSync(join(ROOT, folder))).flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .map((name) => posix.join(folder, name.replaceAll("\\", "/")))
      .filter((path) => /\.(ts|tsx|js|mjs)$/.test(path) && !path.includes("/node_modules/"))
      .toSorted()
      .map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") })),
  );
}

/** Visits every node of a file, parents first. Errors: a file that is not valid TypeScript. */
export function visit(file: SourceFile, onNode: (node: Node) => void): void {
  const { program, errors } = parseSync(file.path, file.text);
  if (errors[0]) throw new Error(`${file.path} cannot be parsed: ${errors[0].message}`);
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(walk);
    else if (isNode(value)) {
      onNode(value);
      Object.values(value).forEach(walk);
    }
  };
  walk(program);
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

/** What the file imports and re-exports, dynamic imports and `import("…")` types included. */
export function importsOf(file: SourceFile): Import[] {
  const found: Import[] = [];
  visit(file, (node) => {
    const source = isNode(node["source"]) ? node["source"]["value"] : undefined;
    if (typeof source !== "string") return;
    const kind = node["importKind"] ?? node["exportKind"];
    const own = source.startsWith(".");
    found.push({
      target: own ? posix.normalize(posix.join(dirname(file.path), source)) : source,
      own,
      typeOnly: node.type === "TSImportType" || kind === "type",
    });
  });
  return found;
}
