import { describe, expect, it } from "vitest";
import { findCycle } from "../../src/jobs/groups/find-cycle.ts";
import { planMembers, verdictOf, type GroupRules, type MemberNow } from "../../src/jobs/groups/plan-members.ts";

const RULES: GroupRules = { on_failure: "stop", concurrency: 1_000, stopping: false };
/** `a:completed`, `b<a` depends on it, `c!` runs once more, `d?` was refused. */
const members = (...texts: string[]): MemberNow[] =>
  texts.map((text, position) => {
    const [, key = "", marks = "", needs = "", status = ""] =
      /^(\w+)([!?]*)(?:<([\w,]+))?(?::(\w+))?$/.exec(text) ?? [];
    return {
      ...{ position, key, weight: 1, depends_on: needs === "" ? [] : needs.split(",") },
      again: marks.includes("!"),
      refused: marks.includes("?") ? { code: "x", message: "x" } : null,
      status: (status || null) as MemberNow["status"],
      progress: status === "running" ? 50 : null,
    };
  });
const plan = (texts: string[], rules: Partial<GroupRules> = {}) =>
  planMembers(members(...texts), { ...RULES, ...rules });

describe("who is due", () => {
  it.each<[string, string[], Partial<GroupRules>, string[]]>([
    ["all of a set", ["a", "b"], {}, ["a", "b"]],
    ["the first of a chain", ["a", "b<a", "c<b"], {}, ["a"]],
    ["who depends on what is done", ["a:completed", "b<a", "c<b"], {}, ["b"]],
    ["who depends on what is partially done", ["a:partially_completed", "b<a"], {}, ["b"]],
    ["nobody, when one has failed and the group stops", ["a:failed", "b"], {}, []],
    ["nobody, when one was cancelled and the group stops", ["a:cancelled", "b"], {}, []],
    ["nobody, when one could not be begun and the group stops", ["a?", "b"], {}, []],
    [
      "all but what depends on the failed one, when it continues",
      ["a:failed", "b<a", "c"],
      { on_failure: "continue" },
      ["c"],
    ],
    ["what is left of what may run at a time", ["a:running", "b", "c"], { concurrency: 2 }, ["b"]],
    ["nobody, when the group is being cancelled", ["a:running", "b"], { stopping: true }, []],
    ["what a retry runs once more", ["a!:failed", "b<a"], {}, ["a"]],
    ["what a retry makes a job of at last", ["a!?", "b<a"], {}, ["a"]],
    ["nobody twice: a retry leaves alone what is done by now", ["a!:completed", "b<a"], {}, ["b"]],
  ])("is %s", (_, texts, rules, due) => {
    expect(plan(texts, rules).due.map(({ key }) => key)).toEqual(due);
  });
});

describe("a group", () => {
  it.each<[string, string[], Partial<GroupRules>, boolean]>([
    ["whose members are done", ["a:completed"], {}, true],
    ["with one that waits", ["a:completed", "b<a"], {}, false],
    ["with one that runs beside a failed one", ["a:failed", "b:running", "c"], {}, false],
    ["that stops, once none runs", ["a:failed", "b:completed", "c"], {}, true],
    ["that is cancelled, once none runs", ["a:cancelled", "b"], { stopping: true }, true],
  ])("%s has ended: %#", (_, texts, rules, ended) => {
    expect(plan(texts, rules).ended).toBe(ended);
  });

  it("is through by weight: what runs by its own progress, what is skipped not at all", () => {
    expect(plan(["a:completed", "b:running", "c<b", "d<b"]).fraction).toBe(0.375);
    expect(plan(["a:failed", "b"]).fraction).toBe(0.5);
  });

  it.each<[string, string[], "stop" | "continue", string]>([
    ["completed when all are", ["a:completed", "b:completed"], "stop", "completed"],
    ["partially completed when one is", ["a:completed", "b:partially_completed"], "stop", "partially_completed"],
    ["failed when it stops and one is not done", ["a:completed", "b:cancelled"], "stop", "failed"],
    [
      "partially completed when it continues and some are done",
      ["a:completed", "b:failed"],
      "continue",
      "partially_completed",
    ],
    ["failed when it continues and none is done", ["a:failed", "b<a"], "continue", "failed"],
  ])("is %s", (_, texts, on_failure, verdict) => {
    expect(verdictOf(plan(texts, { on_failure }).counts, on_failure)).toBe(verdict);
  });

  it("of a thousand in a chain, written down backwards, is planned at once", () => {
    const texts = Array.from({ length: 1_000 }, (_, at) => (at === 999 ? "m999" : `m${at}<m${at + 1}`));
    expect(plan(texts).due.map(({ key }) => key)).toEqual(["m999"]);
    expect(findCycle(members(...texts))).toBeNull();
  });
});

describe("a circle", () => {
  it.each([
    [["a<a"], ["a"]],
    [
      ["a<b", "b<c", "c<a", "x<a"],
      ["a", "b", "c"],
    ],
    [
      ["x<a", "a<b", "b<a"],
      ["a", "b"],
    ],
    [["a<nobody"], null],
  ])("in %j is %j", (texts, circle) => {
    expect(findCycle(members(...texts))).toEqual(circle);
  });
});
