/**
 * Every failure code: its HTTP status, whether an activity may retry it, one sentence and what to do; by subject in
 * failures/. Each code is a heading in docs/errors.md (tested). Everyone else imports from here.
 */
import { BULK_IMPORT_FAILURES, FILE_FAILURES } from "./failures/bulk-import.ts";
import { ARTIFACT_FAILURES } from "./failures/artifacts.ts";
import { CONFLICT_FAILURES } from "./failures/conflicts.ts";
import { DOCUMENT_FAILURES } from "./failures/documents.ts";
import { ENDING_FAILURES } from "./failures/endings.ts";
import { ENGINE_FAILURES } from "./failures/engine.ts";
import { FAIRNESS_FAILURES } from "./failures/fairness.ts";
import { GROUP_FAILURES } from "./failures/groups.ts";
import { IMPORT_FAILURES } from "./failures/imports.ts";
import { PRECONDITION_FAILURES } from "./failures/preconditions.ts";
import { PICTURE_FAILURES } from "./failures/pictures.ts";
import { MAINTENANCE_FAILURES } from "./failures/maintenance.ts";
import { PUBLISHING_FAILURES } from "./failures/publishing.ts";
import { RECORD_FAILURES } from "./failures/records.ts";
import { REQUEST_FAILURES } from "./failures/requests.ts";
import { SVG_FAILURES } from "./failures/svg-imports.ts";
import { printable, shortened } from "./printable.ts";

export type { FailureDefinition } from "./failures/definition.ts";
export { PROBLEMS, type ProblemCode } from "./failures/problems.ts";

export const FAILURES = {
  ...REQUEST_FAILURES,
  ...RECORD_FAILURES,
  ...CONFLICT_FAILURES,
  ...FAIRNESS_FAILURES,
  ...PRECONDITION_FAILURES,
  ...IMPORT_FAILURES,
  ...PICTURE_FAILURES,
  ...SVG_FAILURES,
  ...FILE_FAILURES,
  ...BULK_IMPORT_FAILURES,
  ...ARTIFACT_FAILURES,
  ...DOCUMENT_FAILURES,
  ...PUBLISHING_FAILURES,
  ...MAINTENANCE_FAILURES,
  ...ENDING_FAILURES,
  ...ENGINE_FAILURES,
  ...GROUP_FAILURES,
} as const;

export type FailureCode = keyof typeof FAILURES;

/** Characters of a fact in a sentence; the facts beside it have it whole. */
const MAX_FACT = 500;

/**
 * Fills `{name}` from facts; an unknown name becomes empty. A fact that is a sentence keeps its one full stop, a long one is cut, and
 * what a terminal would obey is shown as its code.
 */
export function sentence(template: string, facts: Record<string, unknown>): string {
  return template.replaceAll(/\{(\w+)\}(\.?)/g, (_, name: string, stop: string) => {
    const fact = facts[name] ?? "";
    const text = printable(shortened(typeof fact === "string" ? fact : JSON.stringify(fact), MAX_FACT));
    return text.endsWith(".") ? text : text + stop;
  });
}
