/** The publish protocol explored: every order of one fault or request. `npm run model` goes further, and takes minutes. */
import { describe, expect, test, vi } from "vitest";
import { createModel } from "./model.ts";
import { ALL_RULES, RULES, type Rule } from "./rules.ts";
import { search } from "./search.ts";
import { SETTINGS, type SettingName } from "./settings.ts";
import type { Setting } from "./state.ts";

const limits = { states: 1_000_000, seconds: 100 };
vi.setConfig({ testTimeout: 120_000 });

test.each<SettingName>(["one", "upload", "carry", "continued", "anyone"])(
  "%s: with one fault nothing breaks",
  (name) => {
    const { complete, violation, trace, overflow } = search(createModel({ ...SETTINGS[name], faults: 1 }), limits);
    expect({ violation, trace, complete, overflow }).toEqual({ complete: true, overflow: 0 });
  },
);

describe("each rule is needed: without it the model finds how that breaks", () => {
  const two = { ...SETTINGS.carry, faults: 2 };
  const one = (faults: number, only: NonNullable<Setting["only"]>): Setting => ({ ...SETTINGS.one, faults, only });
  const continued = (faults: number, only: NonNullable<Setting["only"]>): Setting => ({
    ...{ ...SETTINGS.continued, faults, only },
  });
  const found: Record<Rule, readonly [setting: Setting, violation: RegExp]> = {
    gatewayKeepsRunId: [two, /goes back from run 2 to the older run 1/],
    attemptFence: [two, /timed out writes after a newer one/],
    onlyResetsAdopt: [two, /without a reset or a retry/],
    claimDemandsGeneration: [one(4, ["terminate", "retry", "resetFirst", "resetSwitch"]), /goes back from run/],
    settleCompares: [two, /goes back from run/],
    adoptCompares: [two, /without a reset or a retry/],
    retryKeepsRun: [one(4, ["exhaust", "retry", "resetFirst"]), /without a reset or a retry/],
    adoptDemandsOpen: [two, /of a closed run goes on to adopt/],
    settleBinds: [two, /that the reconciler has settled reopens the job/],
    cancelNamesRun: [one(2, ["cancel", "retry", "terminate"]), /hits the retry/],
    terminateNamesRun: [one(3, ["cancel", "deadline", "resetFirst"]), /terminates a later run/],
    expireLooksAgain: [two, /a final state overwritten by failed/],
    acknowledgeFenced: [two, /another run acknowledges the cancel/],
    decideKnowsSegments: [continued(1, ["continue"]), /without a reset or a retry/],
    takeoverDemandsGeneration: [continued(3, ["continue", "timeout", "resetFirst"]), /goes back from run/],
    settleBindsSegment: [continued(3, ["continue", "terminate", "resetFirst"]), /reopens nothing/],
  };
  test.each(ALL_RULES)("%s", (rule) => {
    const [setting, violation] = found[rule];
    expect(search(createModel(setting, [rule]), limits).violation, RULES[rule]).toMatch(violation);
    // The same setting with the rule: nothing, as far as this goes.
    expect(search(createModel(setting), { states: 5_000, seconds: 100 }).violation).toBeUndefined();
  });
});
