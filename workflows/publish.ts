/** publish: five steps, five activities; the last of them switches, and from then on the publish ends completed. */
import type { PublishInput, PublishResult } from "../contract/publish.ts";
import { EAGER, proxy, READING, SWITCHING, WRITING } from "./activity-options.ts";
import type { MembersInput } from "../contract/members.ts";
import { followMembers } from "./follow-members.ts";
import { runJob } from "./run-job.ts";

const eagerly = { reading: { ...READING, ...EAGER }, writing: { ...WRITING, ...EAGER } };
const reading = { validate: proxy("validate", eagerly.reading), verifyTiles: proxy("verifyTiles", eagerly.reading) };
/** Where no viewer looks. */
const writing = {
  generateRelease: proxy("generateRelease", eagerly.writing),
  upload: proxy("upload", eagerly.writing),
};
const switching = { markPublished: proxy("markPublished", { ...SWITCHING, ...EAGER }) };

const making = { makeTiles: proxy("makeTiles", WRITING) };

export async function publish(input: PublishInput): Promise<PublishResult> {
  return runJob("publish", input, async ({ job, target, step, summary, note }) => {
    const validated = await step("validate", async () => {
      // By the input, which is in the history: a run of before has none of it, and replays as it was.
      if (input.makes_tiles) {
        const look = (asked: Pick<MembersInput, "own" | "attached" | "stopping">) =>
          making.makeTiles.executeWithOptions(summary("tiles of the source picture"), [{ job, target, ...asked }]);
        await followMembers("publish", look, null);
      }
      return reading.validate.executeWithOptions(summary("validate"), [{ job, target }]);
    });
    const generated = await step("generate_release", () =>
      writing.generateRelease.executeWithOptions(summary(`generate ${validated.release_id}`), [
        { job, target, validated },
      ]),
    );
    const all = { job, target, validated, generated };
    await step("upload", () =>
      writing.upload.executeWithOptions(summary(`upload ${validated.tile_count} tiles`), [all]),
    );
    await step("verify_tiles", () =>
      reading.verifyTiles.executeWithOptions(summary(`verify ${validated.tile_count} tiles`), [all]),
    );
    const result = await step("mark_published", () =>
      switching.markPublished.executeWithOptions(summary(`switch ${target.environment} to ${validated.release_id}`), [
        all,
      ]),
    );
    note(`live as ${result.release_id}`);
    return result;
  });
}
