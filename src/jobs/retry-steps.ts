/** The steps of a job that is to be retried, in sentences and in numbers; those of a publish and of a group say more. Pure. */
import type { GeneratedRelease, UploadedRelease, ValidatedVersion, VerifiedTiles } from "../../contract/publish.ts";
import type { ForetoldMembers } from "./groups/foretell-members.ts";
import type { JobRow } from "./job-store.ts";
import { isIndependent, type RetryPlan } from "./protocol/retry-plan.ts";
import type { DraftSize } from "./retry-preview-store.ts";

export interface PlannedStep {
  name: string;
  label: string;
  action: "run" | "reuse";
  /** For people. */
  why: string;
  /** Of a step that is reused. */
  finished_at?: string;
}

/** What is worked on: steps, and of a publish or a group what they are about. */
export interface Work extends Partial<PublishWork> {
  steps: number;
  /** Of a group: those that are done, or those that run again or for the first time. */
  members?: number;
}

/** Each thing counts as reused, or as worked on again, by the step that is about it. */
export interface PublishWork {
  /** Checked, and written into release.json: validate, generate_release. */
  overlays: number;
  /** Of release.json; null before it was generated of the draft as it is. */
  release_bytes: number | null;
  /** Looked for at the destination, where only what is missing is sent: upload. */
  tiles: number;
  tile_bytes: number;
  /** Looked at there: verify_tiles. */
  tiles_verified: number;
}

export interface RetryStory {
  plan: RetryPlan;
  /** What finished steps yielded, by name. */
  yielded: ReadonlyMap<string, unknown>;
  /** What a publish works on; null for jobs of other types. */
  draft: DraftSize | null;
  /** Null for a job that is no group. */
  members: ForetoldMembers | null;
  /** Of the draft that the job is about; null for a job that is about none. */
  revision: number | null;
  job: Pick<JobRow, "job_type" | "status" | "steps" | "environment">;
  /** The step that was asked for, if any. */
  wanted: string | undefined;
}

const isReused = ({ plan }: RetryStory, name: string): boolean =>
  plan.steps.some((step) => step.name === name && step.status === "done");

export function tellSteps(story: RetryStory): PlannedStep[] {
  return story.plan.steps.map(({ name, label, finished_at }) => {
    if (!isReused(story, name)) return { name, label, action: "run", why: whyAgain(story, { name, label }) };
    const why = story.draft ? whyNot(story, name) : whyKept(story, name);
    return { name, label, action: "reuse", why, ...(finished_at === undefined ? {} : { finished_at }) };
  });
}

export function countWork(story: RetryStory): { reuse: Work; run_again: Work } {
  const { plan, draft, yielded, members } = story;
  const again = plan.steps.filter(({ name }) => !isReused(story, name)).length;
  if (!draft) {
    const [kept, run] = members ? [members.done.count, members.again.count + members.skipped.count] : [];
    return {
      reuse: { steps: plan.steps.length - again, ...(kept === undefined ? {} : { members: kept }) },
      run_again: { steps: again, ...(run === undefined ? {} : { members: run }) },
    };
  }
  // Bytes of another revision say nothing of the release that will be generated.
  const known = isReused(story, "generate_release")
    ? (yielded.get("generate_release") as GeneratedRelease).bytes
    : null;
  const work = (reused: boolean): Work => {
    const of = <T>(step: string, amount: T, none: T): T => (isReused(story, step) === reused ? amount : none);
    return {
      steps: reused ? plan.steps.length - again : again,
      overlays: of("generate_release", draft.overlays, 0),
      release_bytes: of<number | null>("generate_release", known, 0),
      tiles: of("upload", draft.tiles, 0),
      tile_bytes: of("upload", draft.tile_bytes, 0),
      tiles_verified: of("verify_tiles", draft.tiles, 0),
    };
  };
  return { reuse: work(true), run_again: work(false) };
}

function whyNot({ yielded }: RetryStory, name: string): string {
  const result = yielded.get(name);
  if (name === "validate") {
    const { overlay_count, tile_count, revision } = result as ValidatedVersion;
    return `${overlay_count} overlays and ${tile_count} tiles were found right in revision ${revision}, which the draft still has.`;
  }
  if (name === "generate_release") {
    const { bytes, digest } = result as GeneratedRelease;
    return `release.json was generated: ${bytes} bytes, digest ${digest.slice(0, 12)}….`;
  }
  if (name === "upload") {
    const { uploaded, reused } = result as UploadedRelease;
    return `Everything is at the destination: ${uploaded} tiles were sent, ${reused} were there already.`;
  }
  const { verified, mended } = result as VerifiedTiles;
  return `${verified} tiles were found right at the destination${mended > 0 ? `, ${mended} of them mended` : ""}.`;
}

/** Of a step of any type. */
function whyKept({ revision, job }: RetryStory, name: string): string {
  if (revision !== null && isIndependent(job, name))
    return "It has finished, and what it yielded is kept; it does not depend on the draft.";
  const still = revision === null ? "" : `, of revision ${revision}, which the draft still has`;
  return `It has finished, and what it yielded is kept${still}.`;
}

function whyAgain(story: RetryStory, { name, label }: { name: string; label: string }): string {
  const { draft, job, plan, members } = story;
  const first = name === plan.from;
  // Of a group that has come to its end what there is to do is told by its members alone.
  const ended = job.steps.some((step) => step.name === name && step.status === "done");
  if (members) return [...(ended ? [] : [whyFrom(story)]), membersText(members)].join(" ");
  if (!draft) return first ? whyFrom(story) : `${label}: it comes after what runs again.`;
  const work: Record<string, string> = {
    validate: `${draft.overlays} overlays and ${draft.tiles} tiles of the draft are checked.`,
    generate_release: `release.json is generated from ${draft.overlays} overlays.`,
    upload: `${draft.tiles} tiles are looked for at the destination; only what is missing is sent.`,
    verify_tiles: `${draft.tiles} tiles are checked at the destination; those verified before and not written since are not read again.`,
    mark_published: `${job.environment} is switched to the release, if the draft is still the one that was validated.`,
  };
  return [...(first ? [whyFrom(story)] : []), work[name] ?? ""].join(" ").trim();
}

/** `2 of 5 members are done and stay; 1 runs again, 2 have not been begun.` */
function membersText({ done, again, skipped, open }: ForetoldMembers): string {
  const all = done.count + again.count + skipped.count + open.count;
  const parts = [
    ...(again.count > 0 ? [`${again.count} ${again.count === 1 ? "runs" : "run"} again`] : []),
    ...(skipped.count > 0 ? [`${skipped.count} ${skipped.count === 1 ? "has" : "have"} not been begun`] : []),
    ...(open.count > 0 ? [`${open.count} ${open.count === 1 ? "runs" : "run"} already`] : []),
  ];
  const rest = parts.length > 0 ? `; ${parts.join(", ")}` : "";
  return `${done.count} of ${all} members ${done.count === 1 ? "is done and stays" : "are done and stay"}${rest}.`;
}

/** Why the retry begins where it begins. */
function whyFrom({ plan, job, wanted, draft }: RetryStory): string {
  if (plan.earlier === "draft_changed")
    return `The draft was edited since ${draft ? "it was validated" : "this step had finished"}.`;
  if (plan.earlier === "result_missing") return "What it yielded was not kept.";
  if (wanted !== undefined && wanted !== plan.unfinished) return "It was asked to begin here.";
  const failed = job.steps.some(({ name, status }) => name === plan.from && status === "failed");
  if (!failed) return "It has not run yet.";
  return job.status === "cancelled" ? "It was stopped here." : "It failed here.";
}
