import { expect } from "vitest";
import { createDraft } from "../publishing.ts";
import { bulkImport } from "./bulk-import.ts";
import { versionOf, type JobSample } from "./sample.ts";

const nothing = { type: "maintenance", payload: { dry_run: true } };

/** A small graph of members that do next to nothing. */
export const group: JobSample = {
  type: "group",
  happy: async () => ({
    members: [
      { key: "first", ...nothing },
      { key: "left", ...nothing, depends_on: ["first"], weight: 2 },
      { key: "right", ...nothing, depends_on: ["first"] },
      { key: "last", ...nothing, depends_on: ["left", "right"] },
    ],
  }),
  async failing(room, draft) {
    const project = await createDraft(room, { project: draft, config: null });
    const version = await versionOf(room, project);
    const payload = { project: project.project, version, target_environment: "dev" };
    return { payload: { members: [{ key: "publish", type: "publish", payload }] }, code: "member_failed" };
  },
  async stalling(room, draft) {
    const { payload, letGo } = (await bulkImport.stalling?.(room, draft)) ?? {
      payload: {},
      letGo: async () => undefined,
    };
    return {
      payload: {
        members: [
          { key: "first", type: "bulk_import", payload },
          ...["left", "right", "last"].map((key) => ({ key, ...nothing, depends_on: ["first"] })),
        ],
      },
      letGo,
    };
  },
  later: null,
  busy: "run_members",
  async expectDone(_room, _draft, result) {
    expect(result["counts"]).toMatchObject({ failed: 0, cancelled: 0 });
    const members = result["members"] as { key: string; status: string }[];
    expect(members.map(({ key }) => key)).toEqual(["first", "left", "right", "last"]);
    // An import that was let go on may have left rows out.
    for (const { status } of members) expect(["completed", "partially_completed"]).toContain(status);
  },
};
