/** What someone means who names a history: a job, a workflow, a page of the Temporal Web UI. */
import { JOB_TYPES } from "../../contract/job-types.ts";
import { parseJobId, workflowId } from "../../contract/workflow-id.ts";

export interface Named {
  workflow_id: string;
  /** UUID of the job, if the workflow is one of ours. */
  job_id: string | null;
  run_id?: string;
  namespace?: string;
}

/** `…/namespaces/default/workflows/publish-…/<run id>/history`, with any path before and behind it. */
const WEB_UI = /\/namespaces\/([^/?#]+)\/workflows\/([^/?#]+)(?:\/([0-9a-f-]{36}))?(?:[/?#]|$)/i;

/**
 * `job_<32 hex>`, a UUID, `publish-<uuid>` or a URL of the Web UI; null for anything else. A job id alone is that of a publish: its type
 * is not known before it is found.
 */
export function parseNamed(text: string): Named | null {
  const [, namespace, workflow, run] = WEB_UI.exec(text) ?? [];
  if (namespace && workflow) {
    const named = ofWorkflow(decodeURIComponent(workflow));
    return { ...named, namespace: decodeURIComponent(namespace), ...(run ? { run_id: run.toLowerCase() } : {}) };
  }
  const job = parseJobId(text);
  if (job) return { workflow_id: workflowId("publish", job), job_id: job };
  return ofWorkflow(text).job_id ? ofWorkflow(text) : null;
}

function ofWorkflow(text: string): Named {
  for (const type of Object.keys(JOB_TYPES)) {
    const job = text.startsWith(`${type}-`) ? parseJobId(text.slice(type.length + 1)) : null;
    if (job) return { workflow_id: workflowId(type, job), job_id: job };
  }
  return { workflow_id: text, job_id: null };
}
