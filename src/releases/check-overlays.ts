/**
 * Step 1, overlays: every geometry is valid, every layer is there, every ref is used once. Most verdicts were given when the overlays
 * were written; what is open is checked here, in threads when it is more than some milliseconds of work.
 */
import type { Db } from "../db.ts";
import { createGeometryThreads } from "../geometry/geometry-threads.ts";
import { duplicateRefs, nextPosition } from "../projects/overlay-store.ts";
import {
  faultyOverlays,
  keepVerdicts,
  openOverlays,
  type FaultyOverlay,
  type OpenOverlay,
  type OverlaySurvey,
} from "../projects/overlay-verdict-store.ts";
import { inOrder } from "../storage/in-parallel.ts";
import { MAX_PROBLEMS, problem, segment, type ProblemList } from "./problem-list.ts";

/** Positions looked at for a page, open overlays of it, and their bytes in the table: 20 to 100 ms of JTS. */
const PAGE = { span: 5_000, rows: 500, bytes: 128 * 1024 };
/** Characters of all open geometries together that are not worth a thread's start: about 5 ms of JTS. */
const AT_ONCE = 16 * 1024;

/** One for the process: its threads are as many as there are cores, however many publishes wait for them. */
const threads = createGeometryThreads();

export interface CheckOverlaysOptions {
  signal?: AbortSignal | undefined;
  /** Of overlays looked at so far. */
  onProgress: (done: number) => void;
  /** Write down what is found of open ones, so that nobody has to look again? */
  keep: boolean;
}

/** Adds the problems in the overlays' order, then refs that several share; not looked for once the list is full. */
export async function checkOverlays(
  db: Db,
  version_id: string,
  { survey, layers }: { survey: OverlaySurvey; layers: readonly string[] },
  problems: ProblemList,
  options: CheckOverlaysOptions,
): Promise<void> {
  options.onProgress(survey.overlays - survey.open);
  const opened = survey.open === 0 ? [] : await checkOpen(db, version_id, survey, problems.room, options);
  const known = survey.wrong + survey.astray;
  const stored = known === 0 ? [] : await faultyOverlays(db, version_id, { layers, limit: problems.room + 1 });
  let named = 0;
  for (const { ref, geometry_problem, layer } of merge(stored, opened)) {
    if (problems.room === 0) break;
    const path = `/overlays/${segment(ref)}`;
    if (geometry_problem !== null) {
      problems.add(problem("geometry_invalid", `${path}/geometry`, `${geometry_problem}.`));
      named += 1;
    }
    if (layer !== null && problems.room > 0) {
      problems.add(problem("layer_unknown", `${path}/layer`, `It names ${JSON.stringify(layer)}.`));
      named += 1;
    }
  }
  problems.addUnnamed(Math.max(0, known + opened.length - named));
  if (problems.full || survey.refs === survey.overlays) return;
  for (const { ref, count } of await duplicateRefs(db, version_id, MAX_PROBLEMS)) {
    problems.add(
      problem("duplicate_ref", `/overlays/${segment(ref)}/ref`, `${count} overlays are called ${JSON.stringify(ref)}.`),
    );
  }
}

/** Both in their order; an overlay whose verdict was written down meanwhile is in both. */
function merge(stored: readonly FaultyOverlay[], opened: readonly FaultyOverlay[]): FaultyOverlay[] {
  const all = new Map(stored.map((each) => [each.sort_order, each]));
  for (const each of opened) all.set(each.sort_order, { ...each, layer: all.get(each.sort_order)?.layer ?? null });
  return [...all.values()].sort((a, b) => a.sort_order - b.sort_order);
}

/** The open overlays that are wrong; no more than a page beyond `enough` of them, and none behind some that take too long to check. */
async function checkOpen(
  db: Db,
  version_id: string,
  { open, overlays }: OverlaySurvey,
  enough: number,
  { signal, onProgress, keep }: CheckOverlaysOptions,
): Promise<FaultyOverlay[]> {
  const wrong: FaultyOverlay[] = [];
  let done = overlays - open;
  const check = async (page: OpenOverlay[]) => ({ page, found: await problemsOf(page, open, signal) });
  const checked = inOrder(openPages(db, version_id), { atATime: threads.atATime, signal }, check);
  for await (const { page, found } of checked) {
    const verdicts = page.slice(0, found.length).map((overlay, at) => ({ ...overlay, problem: found[at] }));
    if (keep) await keepVerdicts(db, version_id, verdicts.flatMap(toKeep));
    for (const { sort_order, ref, geometry, problem: told } of verdicts) {
      const geometry_problem = told === undefined ? undecided(geometry) : told;
      if (geometry_problem !== null) wrong.push({ sort_order, ref, geometry_problem, layer: null });
    }
    onProgress((done += found.length));
    // Given up behind some that are too large to check: the version is not valid anyway.
    if (wrong.length > enough || found.length < page.length) break;
  }
  return wrong;
}

/** What took too long may be told the next time, on a machine with less to do. */
function toKeep({ sort_order, row_version, problem }: OpenOverlay & { problem: string | null | undefined }) {
  return problem === undefined ? [] : [{ sort_order, row_version, problem }];
}

const undecided = (geometry: string): string =>
  `its ${geometry.length} characters are too many to check within ${threads.limitMs / 1_000} s; simplify it, or split it into ` +
  `several overlays`;

async function* openPages(db: Db, version_id: string): AsyncGenerator<OpenOverlay[]> {
  for (let after = -1; ;) {
    const page = await openOverlays(db, version_id, { after, ...PAGE });
    const last = page.at(-1);
    if (last) {
      yield page;
      after = last.sort_order;
    } else {
      const next = await nextPosition(db, version_id, after + PAGE.span);
      if (next === null) return;
      after = next - 1;
    }
  }
}

async function problemsOf(
  page: OpenOverlay[],
  open: number,
  signal?: AbortSignal,
): Promise<(string | null | undefined)[]> {
  const texts = page.map(({ geometry }) => geometry);
  const isAll = page.length >= open && texts.reduce((sum, text) => sum + text.length, 0) <= AT_ONCE;
  if (!isAll) return threads.problems(texts, signal);
  // Most publishes need no JTS: it is 12 MB and 0.1 s of a start.
  const { geometryProblem } = await import("../geometry/geometry-problem.ts");
  return texts.map((text) => geometryProblem(JSON.parse(text)));
}
