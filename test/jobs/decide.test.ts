import { describe, expect, it } from "vitest";
import { decide } from "../../src/jobs/protocol/reconcile.ts";
import type { Execution } from "../../src/temporal.ts";

const run = (run_id: string, more: Partial<Execution> = {}): Execution => ({
  run_id,
  open: true,
  status: "RUNNING",
  reset: false,
  generation: 1,
  ...more,
});

describe("reconcile decides", () => {
  const row = (status: "queued" | "running" | "failed", run_id: string | null, generation = 1) => ({
    status,
    run_id,
    generation,
    cancel_requested_at: null as string | null,
    cancel_overdue: false,
    switched_at: null as string | null,
  });
  const asked = { ...row("running", "F"), cancel_requested_at: "now" };
  it.each([
    ["running, cancel asked for", asked, run("F"), "cancel"],
    ["running, cancel asked for, its deadline passed", { ...asked, cancel_overdue: true }, run("F"), "terminate"],
    [
      "running, cancel asked for, its deadline passed, switched since",
      { ...asked, cancel_overdue: true, switched_at: "now" },
      run("F"),
      "nothing",
    ],
    [
      "running, cancel asked for, its deadline passed, reset since",
      { ...asked, cancel_overdue: true },
      run("A", { reset: true }),
      "adopt",
    ],
    ["running, cancel asked for, switched since", { ...asked, switched_at: "now" }, run("F"), "nothing"],
    ["running, cancel asked for, reset since", asked, run("A", { reset: true }), "adopt"],
    ["not found, queued", row("queued", null), null, "start"],
    ["not found, running", row("running", "F"), null, "settle"],
    ["not found, final", row("failed", "F"), null, "nothing"],
    ["queued, its own run open", row("queued", null), run("F"), "nothing"],
    ["queued, its own run closed", row("queued", null), run("F", { open: false }), "settle"],
    ["queued for generation 2, old run open", row("queued", "F", 2), run("F"), "nothing"],
    ["queued for generation 2, old run closed", row("queued", "F", 2), run("F", { open: false }), "start"],
    ["queued for generation 2, an unknown reset run open", row("queued", "F", 2), run("A", { reset: true }), "adopt"],
    ["running, its run open", row("running", "F"), run("F"), "nothing"],
    ["running, an unknown reset run open", row("running", "F"), run("A", { reset: true }), "adopt"],
    ["final, an unknown reset run open", row("failed", "F"), run("A", { reset: true }), "adopt"],
    ["running, its run closed", row("running", "F"), run("F", { open: false }), "settle"],
    ["final, closed", row("failed", "F"), run("F", { open: false }), "nothing"],
  ] as const)("%s", (_, seen, execution, expected) => {
    expect(decide(seen, execution)).toBe(expected);
  });
});
