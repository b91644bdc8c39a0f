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
    segment: 0,
    cancel_requested_at: null as string | null,
    cancel_overdue: false,
    switched_at: null as string | null,
    ...{ deadline_over: false, deadline_stop_at: null as string | null, stop_overdue: false },
  });
  const late = { ...row("running", "F"), deadline_over: true };
  const stopping = { ...late, deadline_stop_at: "in a minute" };
  const asked = { ...row("running", "F"), cancel_requested_at: "now" };
  const next = run("C", { reset: true, segment: 1 });
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
    ["queued, its deadline passed", { ...row("queued", null), deadline_over: true }, null, "expire"],
    ["queued, its deadline passed, its run open", { ...row("queued", null), deadline_over: true }, run("F"), "expire"],
    ["queued again, its deadline passed", { ...row("queued", "F", 2), deadline_over: true }, run("F"), "expire"],
    ["running, its deadline passed", late, run("F"), "expire"],
    ["running, its deadline passed, switched since", { ...late, switched_at: "now" }, run("F"), "nothing"],
    ["running, its deadline passed, reset since", late, run("A", { reset: true }), "adopt"],
    ["running, its deadline passed, closed", late, run("F", { open: false }), "settle"],
    ["running, its deadline passed, not found", late, null, "settle"],
    ["running, its deadline passed, a newer run open", late, run("G"), "nothing"],
    ["running, stopped for its deadline", stopping, run("F"), "cancel"],
    ["running, stopped for its deadline, in vain", { ...stopping, stop_overdue: true }, run("F"), "terminate"],
    [
      "running, stopped for its deadline in vain, switched since",
      { ...stopping, stop_overdue: true, switched_at: "now" },
      run("F"),
      "nothing",
    ],
    ["running, stopped for its deadline, reset since", stopping, run("A", { reset: true }), "adopt"],
    ["running, cancel asked for, its deadline passed", { ...asked, deadline_over: true }, run("F"), "expire"],
    [
      "final, its deadline passed",
      { ...row("failed", "F"), deadline_over: true },
      run("F", { open: false }),
      "nothing",
    ],
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
    [
      "running, the run that continues its own open",
      row("running", "F"),
      run("C", { reset: true, segment: 1 }),
      "nothing",
    ],
    [
      "running, the run that continues its own closed before it entered",
      row("running", "F"),
      run("C", { reset: true, segment: 1, open: false }),
      "settle",
    ],
    [
      "running as the second of a chain, a reset run of the first open",
      { ...row("running", "C"), segment: 1 },
      run("A", { reset: true, segment: 0 }),
      "adopt",
    ],
    [
      "running as the second of a chain, a reset run of the second open",
      { ...row("running", "C"), segment: 1 },
      run("A", { reset: true, segment: 1 }),
      "adopt",
    ],
    [
      "reset since, running as generation 2, the old chain's next run open",
      row("running", "A", 2),
      run("C", { reset: true, segment: 1 }),
      "adopt",
    ],
    [
      "running as generation 2 since a reset, the run that continues its own open",
      row("running", "A", 2),
      run("C", { reset: true, segment: 1, generation: 2 }),
      "nothing",
    ],
    [
      "queued for generation 2, a reset run of the old chain open",
      row("queued", "C", 2),
      run("A", { reset: true, segment: 1 }),
      "adopt",
    ],
    ["running, cancel asked for, the run that continues its own open", asked, next, "cancel"],
    [
      "running, its cancel's deadline passed, the run that continues its own open",
      { ...asked, cancel_overdue: true },
      next,
      "terminate",
    ],
    [
      "running, its cancel's deadline passed, the run that continues its own open, switched since",
      { ...asked, cancel_overdue: true, switched_at: "now" },
      next,
      "nothing",
    ],
    ["running, its deadline passed, the run that continues its own open", late, next, "expire"],
    ["running, stopped for its deadline, the run that continues its own open", stopping, next, "cancel"],
    [
      "running, stopped for its deadline in vain, the run that continues its own open",
      { ...stopping, stop_overdue: true },
      next,
      "terminate",
    ],
    [
      "running, cancel asked for, the old chain's next run open after a reset",
      { ...asked, run_id: "A", generation: 2 },
      next,
      "adopt",
    ],
    ["final, closed", row("failed", "F"), run("F", { open: false }), "nothing"],
  ] as const)("%s", (_, seen, execution, expected) => {
    expect(decide(seen, execution)).toBe(expected);
  });
});
