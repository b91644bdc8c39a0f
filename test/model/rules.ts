/** The rules of the protocol that the model can do without, to see what each of them prevents. */
export const RULES = {
  gatewayKeepsRunId: "the gateway that starts a run writes no run id",
  attemptFence: "an attempt writes only while no newer one has entered",
  onlyResetsAdopt: "a fresh run reopens no row: it adopts only one that runs",
  claimDemandsGeneration: "a run claims only the generation that it was started for",
  settleCompares: "the reconciler settles only the run and generation that it read",
  adoptCompares: "adoption demands the run and generation that were read",
  retryKeepsRun: "an API retry keeps the old run id in the row",
  adoptDemandsOpen: "only the current and open run adopts",
  settleBinds: "the reconciler writes the run that it settled into the row",
  cancelNamesRun: "a cancel on its way names its run",
  terminateNamesRun: "the terminate of a cancel's deadline names its run",
  acknowledgeFenced: "an attempt acknowledges a cancel only while the row is its own",
  expireLooksAgain:
    "the reconciler ends a job for its deadline only if the row under its lock is late, and has not switched",
  decideKnowsSegments: "the reconciler leaves a run that continues the row's own alone",
  takeoverDemandsGeneration: "a run takes over only a row of the generation that it goes on with",
  settleBindsSegment: "the reconciler writes the number of the run that it settled into the row",
} as const;

export type Rule = keyof typeof RULES;

export const ALL_RULES = Object.keys(RULES) as Rule[];
