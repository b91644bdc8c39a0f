/** The rules of style that a machine can tell: names, length, and where SQL and the environment may be. */
import { basename } from "node:path";
import { isNode, visit, type Node, type SourceFile } from "./source-files.ts";

const MAX_LINES = 400;
const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|long|d|config|fixture))*\.(ts|tsx|js|mjs)$/;
const MIGRATION = /^\d{4}_[a-z0-9]+(_[a-z0-9]+)*\.ts$/;
/** Drawers: names that say nothing of what is inside, so that everything ends up there. */
const DRAWER = /(^|\/)(utils?|common|helpers?|lib|shared|misc|types|manager)(\/|\.(ts|js)$)/;
/** The start of a statement; prose that begins with such a word lacks the second one. */
const SQL = /^\s*(select\s[^]*\sfrom\s|insert\s+into\s|update\s+[\w".]+\s+set\s|delete\s+from\s|with\s+\w+\s+as\s*\()/i;

/** One sentence per file that breaks a rule, and per place where it does. */
export function styleViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    [...nameFaults(file), ...contentFaults(file)].map((fault) => `${file.path}: ${fault}`),
  );
}

function* nameFaults({ path, text }: SourceFile): Generator<string> {
  const pattern = path.startsWith("migrations/") ? MIGRATION : KEBAB;
  if (!pattern.test(basename(path))) yield `the name is not ${pattern === KEBAB ? "kebab-case" : "NNNN_verb_noun.ts"}`;
  if (DRAWER.test(path)) yield "the name says nothing of what is inside";
  const lines = text.split("\n").length - 1;
  if (lines > MAX_LINES) yield `${lines} lines, more than ${MAX_LINES}`;
}

function contentFaults(file: SourceFile): string[] {
  const product = !/^(test|bench)\//.test(file.path);
  const mayHoldSql = !product || file.path.endsWith("-store.ts") || file.path.startsWith("migrations/");
  const mayReadEnvironment = !product || file.path === "src/config.ts" || file.path.startsWith("bootstrap/");
  const found = new Set<string>();
  visit(file, (node) => {
    if (!mayReadEnvironment && isProcessEnv(node)) found.add("process.env is read in src/config.ts only");
    if (!mayHoldSql && file.path !== "src/db.ts" && isQuery(node))
      found.add("query() is called in *-store.ts files only");
    const text = textOf(node);
    if (!mayHoldSql && text && SQL.test(text)) found.add(`SQL outside a *-store.ts file: ${text.trim().slice(0, 40)}`);
    if (product && text && SQL.test(text) && /\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE)\b/.test(text))
      found.add(`SQL is lower-case: ${text.trim().slice(0, 40)}`);
  });
  return [...found];
}

/** `process.env`, `process["env"]` and `const { env } = process`. */
function isProcessEnv(node: Node): boolean {
  const isProcess = (value: unknown): boolean => isNode(value) && value["name"] === "process";
  if (node.type === "MemberExpression") return isProcess(node["object"]) && nameOf(node["property"]) === "env";
  if (node.type !== "VariableDeclarator" || !isProcess(node["init"]) || !isNode(node["id"])) return false;
  const properties = (node["id"]["properties"] as unknown[] | undefined) ?? [];
  return properties.some((each) => isNode(each) && nameOf(each["key"]) === "env");
}

function isQuery(node: Node): boolean {
  return node.type === "CallExpression" && ["query", "queryOne"].includes(String(nameOf(node["callee"])));
}

function nameOf(node: unknown): unknown {
  return isNode(node) ? (node["name"] ?? node["value"]) : undefined;
}

function textOf(node: Node): string | null {
  if (node.type === "Literal" && typeof node["value"] === "string") return node["value"];
  if (node.type !== "TemplateLiteral") return null;
  return (node["quasis"] as { value: { raw: string } }[]).map((part) => part.value.raw).join("?");
}
