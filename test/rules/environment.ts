/** What .env.example says, and which variables the code names. */
import type { SourceFile } from "./source-files.ts";

export interface DocumentedVariable {
  name: string;
  value: string;
  /** The comment lines right above it. */
  comment: string;
}

export function documentedVariables(example: string): DocumentedVariable[] {
  const found: DocumentedVariable[] = [];
  let comment: string[] = [];
  for (const line of example.split("\n")) {
    const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (name) found.push({ name, value: value ?? "", comment: comment.join(" ") });
    comment = line.startsWith("# ") ? [...comment, line.slice(2)] : [];
  }
  return found;
}

/** Names of variables in the code that nothing documents. */
export function undocumentedVariables(files: readonly SourceFile[], documented: readonly string[]): string[] {
  const named = files.flatMap(({ path, text }) =>
    [...text.matchAll(/\bPLATEN_[A-Z_]+\b/g)].map(([name]) => ({ path, name })),
  );
  const faults = named.filter(({ name }) => !documented.includes(name)).map(({ path, name }) => `${path}: ${name}`);
  return [...new Set(faults)];
}
