/** A job's bundle, from Temporal itself where it can be reached, else through the gateway. */
import type { Named } from "../../replay/find-history.ts";
import { bundleText } from "../../replay/bundle.ts";
import { createHistories, type Histories } from "../../replay/read-history.ts";
import { readCommit, readVersions } from "../../replay/versions.ts";
import { reasonOf } from "../../errors.ts";
import { CliError } from "../cli-error.ts";
import type { CliContext } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { findTemporal, type TemporalAddress, type TemporalFlags } from "./find-temporal.ts";
import { temporalError } from "./temporal-error.ts";

/** In pieces, redacted. `say` is told where it comes from. */
export async function* fetchBundle(
  context: CliContext,
  named: Named,
  flags: TemporalFlags,
  say: (line: string) => void,
): AsyncGenerator<string> {
  const temporal = findTemporal({ ...(named.namespace ? { namespace: named.namespace } : {}), ...flags });
  if (temporal) {
    const histories = createHistories(temporal);
    try {
      if (await isThere(histories, temporal)) {
        say(`From Temporal at ${temporal.address}, namespace ${temporal.namespace}.`);
        yield* fromTemporal(context, named, histories);
        return;
      }
    } catch (error) {
      throw temporalError(error, temporal, "Try again when it is back.");
    } finally {
      await histories.close();
    }
    say(`Temporal at ${temporal.address} cannot be reached; asking the gateway.`);
  }
  yield* fromGateway(context, named, say);
}

async function isThere(histories: Histories, { address, named }: TemporalAddress): Promise<boolean> {
  try {
    await histories.ping();
    return true;
  } catch (error) {
    if (!named) return false;
    throw new CliError(
      EXIT.unreachable,
      "temporal_unreachable",
      `Temporal at ${address} cannot be reached: ${reasonOf(error)}.`,
      {
        lines: ["Check --temporal and PLATEN_TEMPORAL_ADDRESS; without them the gateway is asked."],
        cause: error,
      },
    );
  }
}

async function* fromTemporal(context: CliContext, named: Named, histories: Histories): AsyncGenerator<string> {
  // All at once: of a job id alone there are as many as types, and only one of them is there.
  const found = await Promise.all(named.workflow_ids.map((id) => histories.find(id, named.run_id)));
  const run = found.find((each) => each !== null);
  if (!run) {
    const which = named.run_id ? ` with the run ${named.run_id}` : "";
    throw new CliError(EXIT.refused, "history_not_found", `Temporal knows no workflow ${told(named)}${which}.`, {
      lines: ["It has not started yet, was deleted, or is older than the namespace keeps histories."],
    });
  }
  const runs = await histories.runs(run.workflow_id);
  yield* bundleText({
    workflow_id: run.workflow_id,
    run_id: run.run_id,
    job: await jobRecord(context, named),
    runs: runs.some(({ run_id }) => run_id === run.run_id) ? runs : [run, ...runs],
    versions: readVersions(await readCommit()),
    pages: histories.pages(run),
  });
}

function told({ workflow_ids, job_id }: Named): string {
  const [only = "", ...others] = workflow_ids;
  return others.length === 0 ? only : `of the job ${job_id}, of whatever type`;
}

/** A history says enough without it: null when no gateway answers, or none is named. */
async function jobRecord({ server }: CliContext, { job_id }: Named): Promise<Record<string, unknown> | null> {
  if (!job_id) return null;
  try {
    return await server().ask<Record<string, unknown>>("GET", `/jobs/${job_id}`, { holds: "job_id", timeout: 5_000 });
  } catch {
    return null;
  }
}

async function* fromGateway({ server }: CliContext, named: Named, say: (line: string) => void): AsyncGenerator<string> {
  if (!named.job_id) {
    throw new CliError(
      EXIT.refused,
      "no_job",
      `${told(named)} is no job of Platen's, so the gateway cannot be asked for it.`,
      {
        lines: ["Name Temporal with --temporal HOST:PORT, or download the history and replay the file."],
      },
    );
  }
  const query = named.run_id ? `?run_id=${named.run_id}` : "";
  const answer = await server().request("GET", `/jobs/${named.job_id}/history${query}`, { retries: 2 });
  say(`Through the gateway at ${server().url}.`);
  const decoder = new TextDecoder();
  try {
    for await (const chunk of answer.body ?? []) yield decoder.decode(chunk, { stream: true });
  } catch (error) {
    throw new CliError(
      EXIT.unreachable,
      "server_unreachable",
      `The history was cut off on its way: ${reasonOf(error)}.`,
      {
        lines: ["Try again: Temporal or the connection failed in the middle of it."],
        cause: error,
      },
    );
  }
}
