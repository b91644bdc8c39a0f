/** The first release: imports and publishes the sample project, by the same commands a user would type. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { isFinal, type JobStatus } from "../../contract/job-state.ts";
import { configEnvironment } from "../config.ts";
import type { StackFile } from "./stack-file.ts";

/** What is live after `publishSample`. */
export interface Published {
  project: string;
  environment: string;
  /** The last job that published it there. */
  job: Job | null;
}

interface Job {
  id: string;
  status: JobStatus;
  environment: string;
  links: { stream: string; workflow: string };
}

const PROJECT = "harbour-town";
const ENVIRONMENT = "dev";

export interface SampleOptions {
  stack: StackFile;
  /** Where it is drawn. */
  folder: string;
  tell: (line: string) => void;
  /** Ends what is under way. */
  signal: AbortSignal;
}

/**
 * Publishes the sample unless it is live already. Goes on with what an earlier run began: its import sends what is
 * missing, and its publish, which Temporal has kept, is watched to its end. Errors: one of the commands failed.
 */
export async function publishSample(options: SampleOptions): Promise<Published> {
  const { stack, folder, tell } = options;
  const open = await lastJob(stack);
  if (open && !isFinal(open.status)) {
    tell(`Going on with the publish of ${PROJECT} that an earlier run began:`);
    await platen(options, ["watch", open.id]);
  } else if (await isLive(stack)) {
    tell(`The sample project ${PROJECT} is live already, from an earlier run.`);
  } else {
    if (!existsSync(folder)) {
      tell("Drawing the sample project …");
      await run(fileURLToPath(new URL("../../examples/harbour-town/draw.ts", import.meta.url)), [folder], options);
    }
    await platen(options, ["import", folder, "--project", PROJECT]);
    await platen(options, ["publish", PROJECT, "--env", ENVIRONMENT, "--watch"]);
  }
  return { project: PROJECT, environment: ENVIRONMENT, job: await lastJob(stack) };
}

async function isLive(stack: StackFile): Promise<boolean> {
  const answer = await fetch(`${stack.gateway}/${ENVIRONMENT}/${PROJECT}/release.json`);
  await answer.body?.cancel();
  return answer.ok;
}

/** The newest publish of the sample to its environment, if there was one. */
async function lastJob(stack: StackFile): Promise<Job | null> {
  const answer = await fetch(`${stack.gateway}/jobs?project=${PROJECT}&limit=100`, {
    headers: { authorization: `Bearer ${stack.api_keys.viewer}` },
  });
  if (answer.status === 404) return null; // nothing was imported yet
  if (!answer.ok) throw new Error(`The gateway cannot list jobs: ${await answer.text()}`);
  const { jobs } = (await answer.json()) as { jobs: Job[] };
  return jobs.find((job) => job.environment === ENVIRONMENT) ?? null;
}

function platen(options: SampleOptions, args: string[]): Promise<void> {
  return run(fileURLToPath(new URL("../cli/main.ts", import.meta.url)), args, options);
}

/** On our terminal, so that progress shows; in our process group, so that Ctrl-C ends it too. */
async function run(program: string, args: string[], { stack, signal }: SampleOptions): Promise<void> {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: "inherit",
    signal,
    env: configEnvironment({ PLATEN_SERVER: stack.gateway, PLATEN_API_KEY: stack.api_keys.admin }),
  });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code === 0) return;
  const command = [relative(".", program), ...args].join(" ");
  throw new Error(`The sample project is not published: \`node ${command}\` ended with exit code ${code}.`);
}
