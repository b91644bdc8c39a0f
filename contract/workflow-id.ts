/** Ids: a job's UUID, its human-readable form, and its workflow's id. */

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const READABLE = /^job_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/;

/** `job_<32 hex>`, the form in bodies. */
export function readableJobId(id: string): string {
  return `job_${id.replaceAll("-", "")}`;
}

/** The UUID of either form, or null for anything else. */
export function parseJobId(text: string): string | null {
  const lower = text.toLowerCase();
  if (UUID.test(lower)) return lower;
  const match = READABLE.exec(lower);
  return match ? match.slice(1).join("-") : null;
}

/** `<job_type>-<job id>`; never holds a `%`, which the Temporal Web UI cannot open. */
export function workflowId(jobType: string, jobId: string): string {
  return `${jobType}-${jobId}`;
}
