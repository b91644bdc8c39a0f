/** document_generation: one step, which begins anew when it dies: a document takes seconds. */
import type { DocumentGenerationResult } from "../contract/document-generation.ts";
import type { JobInput } from "../contract/job-input.ts";
import { proxy, WRITING } from "./activity-options.ts";
import { runJob } from "./run-job.ts";

const writing = { generateDocument: proxy("generateDocument", WRITING) };

export async function documentGeneration(input: JobInput): Promise<DocumentGenerationResult> {
  return runJob("document_generation", input, ({ job, target, step, summary }) =>
    step("generate", () => writing.generateDocument.executeWithOptions(summary("generate"), [{ job, target }])),
  );
}
