/** What `npm start` prints when everything is up. */
import type { Published } from "./sample.ts";
import type { StackFile } from "./stack-file.ts";

/** Plain lines, ready to copy. `published`: what is live. */
export function describeStack(stack: StackFile, { project, environment, job }: Published): string {
  const release = `${stack.gateway}/${environment}/${project}/release.json`;
  const stream = (id: string): string =>
    `curl -N -H 'Authorization: Bearer ${stack.api_keys.viewer}' ${stack.gateway}/jobs/${id}/stream`;
  return `
${project} is live in ${environment}:
  release        ${release}
${job ? `  in Temporal    ${workflowPage(stack, job.workflow_id)}\n  its stream     ${stream(job.id)}\n` : ""}
API keys (tenant demo):
  viewer         ${stack.api_keys.viewer}
  operator       ${stack.api_keys.operator}
  admin          ${stack.api_keys.admin}

The gateway is at ${stack.gateway} (its API: /openapi.json), the Temporal Web UI at ${stack.web_ui}.
Publish it elsewhere, in another terminal:
  npm run platen -- publish ${project} --env staging --watch`;
}

function workflowPage(stack: StackFile, workflowId: string): string {
  return `${stack.web_ui}/namespaces/${stack.namespace}/workflows/${encodeURIComponent(workflowId)}`;
}
