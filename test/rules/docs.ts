/** What the documents promise that a machine can tell. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import type { FailureDefinition } from "../../contract/failures.ts";
import { ROOT, type SourceFile } from "./source-files.ts";

/** How many rows each letter of the list of promises has. */
const PROMISES: Record<string, number> = { S0: 7, S1: 6, S2: 8, S3: 9, S4: 7, C: 5, X: 15 };

export function documents(): SourceFile[] {
  return globSync(["*.md", "{docs,temporal-config,contract,workflows,activities,src,test,bench,examples}/**/*.md"], {
    cwd: ROOT,
  })
    .toSorted()
    .map((path) => ({ path: path.replaceAll("\\", "/"), text: readFileSync(join(ROOT, path), "utf8") }));
}

/** The line under each heading of a failure: everything about it that the contract holds. */
export function failureLine({ status, retryable, sentence, action }: FailureDefinition): string {
  return `HTTP ${status} · ${retryable ? "retryable" : "not retryable"} · “${sentence}” ${action}`;
}

/** Faults of docs/errors.md: headings too many or missing or out of order, and sections that say something else. */
export function errorPageFaults(
  page: string,
  failures: Record<string, FailureDefinition>,
  problems: Record<string, string>,
): string[] {
  const sections = [...page.matchAll(/^### (\S+)\n([^]*?)(?=^##|$(?![^]))/gm)].map(([, code = "", body = ""]) => ({
    code,
    body,
  }));
  const codes = [...Object.keys(failures), ...Object.keys(problems)];
  const missing = codes.filter((code) => !sections.some((each) => each.code === code));
  const faults = missing.map((code) => `${code} has no heading`);
  for (const { code, body } of sections) {
    const failure = failures[code];
    const line = failure ? failureLine(failure) : problems[code];
    if (line === undefined) faults.push(`${code} is no code`);
    else if (!body.includes(line)) faults.push(`${code} does not say: ${line}`);
    else if (body.replace(line, "").trim().length < 40) faults.push(`${code} does not say what happened`);
  }
  return faults;
}

/** Relative links (`[…](path#part)`) that lead nowhere. Code blocks are left out. */
export function deadLinks(
  { path, text }: SourceFile,
  exists = (target: string) => existsSync(join(ROOT, target)),
): string[] {
  const prose = text.replaceAll(/^```[^]*?^```/gm, "").replaceAll(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = ""]) => link)
    .filter((link) => !/^(\w+:|#)/.test(link))
    .filter((link) => !exists(posix.normalize(posix.join(dirname(path), link.split("#")[0] ?? ""))))
    .map((link) => `${path}: ${link}`);
}

/** `npm run x`, `npm start` and `npm test` of scripts that do not exist. */
export function unknownScripts({ path, text }: SourceFile, scripts: Record<string, string>): string[] {
  return [...text.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)]
    .map(([, run, short]) => run ?? short ?? "")
    .filter((name) => !(name in scripts))
    .map((name) => `${path}: npm run ${name}`);
}

/** Faults of the table in docs/features.md: `| row | state | what a user can do | tests |`. */
export function featureFaults(page: string): string[] {
  const rows = page
    .split("\n")
    .filter((line) => /^\|(?! *(-|row ))/.test(line))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  if (rows.length === 0) return ["there is no row"];
  return rows.flatMap(([, row = "", state = "", , tests = ""]) => {
    const [letter = "", number = ""] = row.split(".");
    if (!(Number(number) >= 1 && Number(number) <= (PROMISES[letter] ?? 0))) return [`${row} is no promise`];
    if (!["done", "partly", "open"].includes(state)) return [`${row} is ${state}`];
    return state === "done" && !tests.includes("](../test/") ? [`${row} is done and names no test`] : [];
  });
}

/** Packages that the page of dependencies does not name; `@a/{b,c}` names two, `@types/*` is one for all. */
export function unexplainedDependencies(page: string, names: readonly string[]): string[] {
  const named = [...page.matchAll(/`([^`\s]+)`/g)].flatMap(([, text = ""]) => {
    const [, before = "", list, after = ""] = /^(.*)\{(.*)\}(.*)$/.exec(text) ?? [];
    return list ? list.split(",").map((part) => `${before}${part}${after}`) : [text];
  });
  return names.filter((name) => !named.includes(name) && !name.startsWith("@types/"));
}
