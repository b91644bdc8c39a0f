/** What `npm start` prints when everything is up. */
import type { Published } from "./sample.ts";
import type { StackFile } from "./stack-file.ts";

/** Plain lines, ready to copy. `published`: what is live. */
export function describeStack(stack: StackFile, { project, environment, job }: Published): string {
  const jobLines = job && [
    `  in Temporal    ${job.links.workflow}`,
    `  its stream     curl -N -H 'Authorization: Bearer ${stack.api_keys.viewer}' ${job.links.stream}`,
  ];
  return [
    "",
    `${project} is live in ${environment}:`,
    `  release        ${stack.gateway}/${environment}/${project}/release.json`,
    ...(jobLines ?? []),
    "",
    "API keys (tenant demo):",
    ...Object.entries(stack.api_keys).map(([role, key]) => `  ${role.padEnd(14)} ${key}`),
    "",
    `Gateway: ${stack.gateway} (its API: ${stack.gateway}/openapi.json). Temporal Web UI: ${stack.web_ui}.`,
    "Publish it to another environment, from another terminal in this folder:",
    `  npm run platen -- publish ${project} --env staging --watch`,
  ].join("\n");
}
