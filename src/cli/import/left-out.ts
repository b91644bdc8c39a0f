/** What an import leaves out, told in a line of each kind however much it is. */
import type { ProjectFolder } from "./read-project-folder.ts";

/** Names in a line. */
const NAMED = 5;

export function leftOutLines({ skipped, superfluous }: Pick<ProjectFolder, "skipped" | "superfluous">): string[] {
  return [
    { names: skipped, what: "that are no part of a project folder", noun: "file(s)" },
    { names: superfluous, what: "that the descriptor does not call for", noun: "tile(s)" },
  ].flatMap(({ names, what, noun }) => {
    if (names.length === 0) return [];
    const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : "";
    return [`Left out ${names.length} ${noun} ${what}: ${names.slice(0, NAMED).join(", ")}${more}`];
  });
}
