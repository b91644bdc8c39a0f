/** In which order members run, and how a group ends, on the real server. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { expectSoundLedger } from "../support/chaos-room.ts";
import { jobRow, ledger, until } from "../support/publishing.ts";
import {
  asked,
  countsOf,
  createGroupRoom,
  CROOKED,
  endsTold,
  nothing,
  parentOf,
  type GroupRoom,
} from "./group-room.ts";

let groups: GroupRoom;
beforeAll(async () => {
  groups = await createGroupRoom();
  await groups.room.worker();
});
afterAll(() => groups?.room.close());

const ended = (group: string) => groups.room.ended(group, 30_000);

describe("a group", { timeout: 60_000 }, () => {
  it("that is a set runs its members at once, as children of its workflow, and tells each end", async () => {
    const keys = ["a", "b", "c"];
    const members = [];
    for (const key of keys) members.push(asked(await groups.publishOf(key)));
    const group = await groups.begin({ members }, { start: false });
    const gates = [];
    for (const key of keys) gates.push(await groups.hold(group, key, "validate"));
    await startJob(groups.room.deps, group, 1);
    await Promise.all(gates.map((gate) => gate.reached()));
    for (const gate of gates) await gate.open();
    expect(await ended(group)).toMatchObject({ status: "completed", progress: 100, generation: 1 });
    expect((await endsTold(groups, group)).toSorted()).toEqual(["a completed", "b completed", "c completed"]);
    expect(await parentOf(groups, group, "a")).toBe(`group-${group}`);
    expect(await countsOf(groups, group)).toEqual({ completed: 3 });
    await expectSoundLedger(groups.room, group, ["completed"]);
  });

  it("that is a chain runs one after the other, however it is written down", async () => {
    const group = await groups.begin({ members: [nothing("c", "b"), nothing("b", "a"), nothing("a")] });
    expect(await ended(group)).toMatchObject({ status: "completed" });
    expect(await endsTold(groups, group)).toEqual(["a completed", "b completed", "c completed"]);
  });

  it("that is a graph begins a member when all that it depends on are done, and not before", async () => {
    const members = [nothing("a"), asked(await groups.publishOf("b")), nothing("c", "a", "b"), nothing("d", "a")];
    const group = await groups.begin({ members }, { start: false });
    const gate = await groups.hold(group, "b", "validate");
    await startJob(groups.room.deps, group, 1);
    await gate.reached();
    await until("d to be done", async () => (await groups.states(group))["d"] === "completed");
    expect(await groups.states(group)).toMatchObject({ a: "completed", c: null });
    await gate.open();
    expect(await ended(group)).toMatchObject({ status: "completed" });
    expect((await endsTold(groups, group)).at(-1)).toBe("c completed");
  });

  it("runs no more at a time than it is told", async () => {
    const members = ["a", "b", "c"].map((key) => nothing(key));
    const group = await groups.begin({ members, concurrency: 1 });
    expect(await ended(group)).toMatchObject({ status: "completed" });
    expect(await endsTold(groups, group)).toEqual(["a completed", "b completed", "c completed"]);
    const starts = await Promise.all(
      ["a", "b", "c"].map(async (key) => ledger(groups.room, (await groups.member(group, key)).job_id)),
    );
    for (const [index, events] of starts.entries())
      expect(events[0]?.at.localeCompare(starts[index - 1]?.at(-1)?.at ?? "")).toBe(1);
  });

  it("tells progress by weight", async () => {
    const members = [
      { ...nothing("small"), weight: 1 },
      { ...nothing("large", "small"), weight: 3 },
    ];
    const group = await groups.begin({ members }, { start: false });
    const gate = await groups.hold(group, "large");
    await startJob(groups.room.deps, group, 1);
    await gate.reached();
    await until("a quarter to be done", async () => (await jobRow(groups.room, group)).progress === 25);
    expect(await countsOf(groups, group)).toEqual({ completed: 1, queued: 1 });
    await gate.open();
    await ended(group);
  });
});

describe("when a member fails", { timeout: 60_000 }, () => {
  it("a group that stops begins no more, leaves to end what runs, and fails with the member's reason", async () => {
    const bad = asked(await groups.publishOf("bad", CROOKED));
    const members = [bad, nothing("running"), nothing("later", "running")];
    const group = await groups.begin({ members }, { start: false });
    const gate = await groups.hold(group, "running");
    await startJob(groups.room.deps, group, 1);
    await gate.reached();
    await until("the failure to be told", async () => (await endsTold(groups, group)).includes("bad failed"));
    expect(await jobRow(groups.room, group)).toMatchObject({ status: "running" });
    await gate.open();
    expect(await ended(group)).toMatchObject({ status: "failed", error_code: "member_failed" });
    expect(await groups.states(group)).toEqual({ bad: "failed", running: "completed", later: null });
    expect(await countsOf(groups, group)).toEqual({ failed: 1, completed: 1, cancelled: 1 });
    const { result } = await jobRow(groups.room, group);
    expect(result?.["members"]).toMatchObject([
      { key: "bad", status: "failed", code: "version_invalid", link: expect.stringMatching(/^\/jobs\//) },
      { key: "later", status: "cancelled", code: "not_begun" },
      { key: "running", status: "completed" },
    ]);
    await expectSoundLedger(groups.room, group, ["failed"]);
  });

  it("a group that continues begins all but what depends on it, and is partially completed", async () => {
    const bad = asked(await groups.publishOf("bad", CROOKED));
    const members = [bad, nothing("after", "bad"), nothing("other"), nothing("last", "other")];
    const group = await groups.begin({ members, on_failure: "continue" });
    expect(await ended(group)).toMatchObject({ status: "partially_completed", progress: 100 });
    expect(await groups.states(group)).toEqual({ bad: "failed", after: null, other: "completed", last: "completed" });
    expect(await countsOf(groups, group)).toEqual({ failed: 1, completed: 2, cancelled: 1 });
  });

  it("a group of which nothing is done has failed, also when it continues", async () => {
    const bad = asked(await groups.publishOf("bad", CROOKED));
    const group = await groups.begin({ members: [bad], on_failure: "continue" });
    expect(await ended(group)).toMatchObject({ status: "failed", error_code: "member_failed" });
  });

  it("because it cannot even be begun, that is its failure, with what is wrong", async () => {
    const unready = asked(await groups.publishOf("unready", { config: null }));
    const group = await groups.begin({ members: [unready, nothing("other")], on_failure: "continue" });
    expect(await ended(group)).toMatchObject({ status: "partially_completed" });
    expect(await groups.member(group, "unready")).toMatchObject({
      status: null,
      refused: { code: "version_invalid", errors: [{ path: "/config" }] },
    });
    expect(await endsTold(groups, group)).toContain("unready failed");
  });
});
