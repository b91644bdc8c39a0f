/** What someone means who names a history: a job, a workflow, a page of the Temporal Web UI. */
import { JOB_TYPES } from "../../contract/job-types.ts";
import { parseJobId, workflowId } from "../../contract/workflow-id.ts";

export interface Named {
  /** What it can be called in Temporal: one id; of a job whose type was not said, one for each type. */
  workflow_ids: string[];
  /** UUID of the job, if the workflow is one of ours. */
  job_id: string | null;
  run_id?: string;
  namespace?: string;
}

/** `…/namespaces/default/workflows/publish-…/<run id>/history`, with any path before and behind it. */
const WEB_UI = /\/namespaces\/([^/?#]+)\/workflows\/([^/?#]+)(?:\/([0-9a-f-]{36}))?(?:[/?#]|$)/i;

/**
 * `job_<32 hex>`, a UUID, `<type>-<uuid>` or a URL of the Web UI; null for anything else. A job id alone does not say the type, and
 * without it there is no workflow's id: it is looked for under each.
 */
export function parseNamed(text: string): Named | null {
  const [, namespace, workflow, run] = WEB_UI.exec(text) ?? [];
  if (namespace && workflow) {
    const [name, id] = [decoded(namespace), decoded(workflow)];
    if (name === null || id === null) return null;
    return { ...ofWorkflow(id), namespace: name, ...(run ? { run_id: run.toLowerCase() } : {}) };
  }
  const job = parseJobId(text);
  if (job) return { workflow_ids: Object.keys(JOB_TYPES).map((type) => workflowId(type, job)), job_id: job };
  return ofWorkflow(text).job_id ? ofWorkflow(text) : null;
}

/** Null for `%E0%A4%A`, which is no text. */
function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

function ofWorkflow(text: string): Named {
  for (const type of Object.keys(JOB_TYPES)) {
    const job = text.startsWith(`${type}-`) ? parseJobId(text.slice(type.length + 1)) : null;
    if (job) return { workflow_ids: [workflowId(type, job)], job_id: job };
  }
  return { workflow_ids: [text], job_id: null };
}
