/** The recorded histories of `test/histories`: in a checkout only, not in an image. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { HistoryToReplay } from "./create-replayer.ts";
import type { History } from "./history.ts";

const FOLDER = fileURLToPath(new URL("../../test/histories", import.meta.url));

/** Sorted by path, read one at a time; `workflow_id` is the path, `publish/0.1-completed`. */
export function* goldenHistories(folder: string = FOLDER): Generator<HistoryToReplay> {
  for (const path of globSync("*/*.json", { cwd: folder }).toSorted()) {
    const history = JSON.parse(readFileSync(join(folder, path), "utf8")) as History;
    yield { workflow_id: path.replaceAll("\\", "/").replace(/\.json$/, ""), history };
  }
}
