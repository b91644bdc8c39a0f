/** A bundle of a downloaded history, which can be passed on: redacted. */
import { bundleText } from "../../replay/bundle.ts";
import type { FoundHistory } from "../../replay/history-file.ts";
import { readCommit, readVersions } from "../../replay/versions.ts";

export async function* bundleOfFile({ workflow_id, run_id, history, bundle }: FoundHistory): AsyncGenerator<string> {
  yield* bundleText({
    workflow_id,
    run_id: run_id ?? "unknown",
    job: bundle?.job ?? null,
    runs: bundle?.runs ?? [],
    versions: bundle?.versions ?? readVersions(await readCommit()),
    pages: [history.events],
  });
}
