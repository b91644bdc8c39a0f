/**
 * From staged rows to the draft, all at once or not at all: viewers of a draft never see half an import, and a cancel before the end leaves
 * it as it was. What cannot be used is found out first, without holding the draft; if the draft was changed meanwhile, once more.
 */
import { type Db } from "../db.ts";
import { AppError } from "../errors.ts";
import { editDraft, findDraft, type Version } from "../projects/version-store.ts";
import * as rows from "./import-rows-store.ts";

/** Rows of one statement: progress and a cancel come between two of them. Each goes over the draft's overlays once. */
const PART = 50_000;

export interface JudgeOptions {
  stage: string;
  draft: { version_id: string; create: boolean } | null;
  /** Called last, inside the transaction: throws unless the job is still the caller's, and sees to it that it stays so until the commit. */
  demand: (tx: Db) => Promise<void>;
}

/**
 * Which of the staged rows cannot be used. Safe to run twice, and by an attempt that is too late: its verdicts are nobody's, since those of
 * the live one may be being gone by. Answers how many.
 */
export async function judgeRows(db: Db, { stage, draft, demand }: JudgeOptions): Promise<number> {
  return rows.hashingRows(db, async (tx) => {
    await rows.forgetVerdicts(tx, stage);
    await rows.judgeRepeated(tx, stage);
    if (draft) await rows.judgeRefs(tx, stage, draft);
    const count = await rows.countRejected(tx, stage);
    await demand(tx);
    return count;
  });
}

export interface ApplyOptions {
  stage: string;
  /** As it was when its rows were judged. */
  version: Version;
  /** Staged. */
  total: number;
  /** Of them those that cannot be used. */
  rejected: number;
  create: string | null;
  dry_run: boolean;
  signal: AbortSignal;
  onProgress: (rows: number) => void;
  /**
   * Called last, inside the transaction; whatever it throws undoes everything. With it the job ends in the very commit that changes the
   * draft: no crash comes between.
   */
  finish: (tx: Db, applied: rows.Applied) => Promise<void>;
}

/** Undoes what a dry run has done. */
class Undo extends Error {
  readonly applied: rows.Applied;

  constructor(applied: rows.Applied) {
    super("a dry run");
    this.applied = applied;
  }
}

/** Null when the draft is not as it was judged any more: judge again. Errors: those of `editDraft` and `finish`. */
export async function applyImport(db: Db, options: ApplyOptions): Promise<rows.Applied | null> {
  const { version, dry_run } = options;
  try {
    const { applied } = await editDraft(db, version, async (tx) => {
      const { tenant_id, project, number } = version;
      const now = await findDraft(tx, { tenant_id, project, version: number });
      if (now.revision !== version.revision) return { changed: false, applied: null };
      const applied = await rows.hashingRows(tx, (hashing) => applyAll(hashing, options));
      if (dry_run) throw new Undo(applied);
      await options.finish(tx, applied);
      return { changed: applied.changed + applied.created > 0, applied };
    });
    return applied;
  } catch (error) {
    if (error instanceof Undo) return error.applied;
    throw error;
  }
}

async function applyAll(
  tx: Db,
  { stage, version, total, rejected, create, signal, onProgress }: ApplyOptions,
): Promise<rows.Applied> {
  const all = { used: 0, changed: 0, created: 0 };
  for (let after = 0; after < total; after += PART) {
    signal.throwIfAborted();
    const part = { version_id: version.id, tenant_id: version.tenant_id, create, after, last: after + PART };
    const done = await rows.applyRows(tx, stage, part);
    all.used += done.used;
    all.changed += done.changed;
    all.created += done.created;
    onProgress(Math.min(total, after + PART));
  }
  if (all.used + rejected !== total)
    throw new AppError("internal", {
      reason: `of ${total} staged rows ${all.used} were applied and ${rejected} rejected`,
      request_id: "this sentence",
    });
  if (all.changed + all.created > all.used)
    throw new AppError("internal", { reason: "a row was applied twice", request_id: "this sentence" });
  return all;
}
