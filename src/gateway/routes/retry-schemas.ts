/** Shapes of retries in answers, for the description. */
import { z } from "zod";
import { jobAccepted } from "./job-schemas.ts";

const time = z.iso.datetime();
const stepName = z.string().meta({ description: "Name of the first step that runs" });

export const jobRetried = jobAccepted
  .extend({
    generation: z.int().meta({ description: "That the retry opened" }),
    from: stepName,
    message: z
      .string()
      .meta({ description: "Who has retried from where, and why from there; a repeat answers the same" }),
  })
  .meta({ id: "JobRetried" });

const plannedStep = z
  .object({
    name: z.string(),
    label: z.string(),
    action: z.enum(["run", "reuse"]),
    why: z.string().meta({ description: "For people" }),
    finished_at: time.optional(),
  })
  .meta({ id: "PlannedStep" });

const work = z
  .object({
    steps: z.int(),
    overlays: z.int().optional().meta({ description: "Checked, and written into release.json" }),
    release_bytes: z.int().nullable().optional().meta({ description: "Of release.json; null while it is not known" }),
    tiles: z
      .int()
      .optional()
      .meta({ description: "Looked for at the destination, where only what is missing is sent" }),
    tile_bytes: z.int().optional(),
    tiles_verified: z.int().optional().meta({ description: "Looked at there" }),
    members: z.int().optional().meta({ description: "Of a group: those that are done, or those that are to run" }),
  })
  .meta({ id: "RetriedWork", description: "Beside the steps what those of a publish or a group are about" });

const share = (description: string) =>
  z
    .object({
      count: z.int(),
      keys: z.array(z.string()).meta({ description: "The first 20, in the order of the request" }),
    })
    .meta({ description });

const members = z.object({
  done: share("They stay as they are"),
  again: share("They failed, were cancelled or could not be begun, and run once more"),
  skipped: share("They were not begun, and are when what they depend on is done"),
  open: share("They were retried by hand, and run already: the group follows them"),
});

const release = z.object({ release_id: z.string(), epoch: z.int(), version: z.int(), since: time });

export const retryPreview = z
  .object({
    allowed: z.boolean(),
    refused: z
      .object({ code: z.string(), message: z.string(), link: z.string().optional() })
      .nullable()
      .meta({ description: "What POST would be refused with now" }),
    from: stepName,
    generation: z.int().meta({ description: "That the retry would open" }),
    revision: z.object({ validated: z.int().nullable(), current: z.int(), unchanged: z.boolean() }).nullable().meta({
      description:
        "Of the draft; what finished steps yielded is true of one revision only. Null for a job about no draft",
    }),
    steps: z.array(plannedStep),
    reuse: work,
    run_again: work,
    members: members.nullable().meta({ description: "Of a group, each member in one of them; null for any other job" }),
    touches: z
      .object({
        environment: z.string(),
        project: z.string(),
        version: z.int(),
        release_id: z.string().nullable().meta({ description: "Null until the draft, as it is, was validated once" }),
        live_now: release.nullable(),
        becomes: release
          .omit({ since: true })
          .extend({ release_id: z.string().nullable() })
          .meta({ description: "If nothing else is published there before" }),
      })
      .nullable()
      .meta({ description: "Null for a job that publishes nothing" }),
  })
  .meta({ id: "RetryPreview" });
