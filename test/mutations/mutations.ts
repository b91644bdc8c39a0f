/** The rules of the protocol, each taken out of the code once: the named test must fail then. */
export interface Mutation {
  rule: string;
  file: string;
  find: string;
  replace: string;
  /** Part of the names of the tests that must fail. */
  test: string;
}

const at = (name: string): string => `src/jobs/protocol/${name}.ts`;

export const MUTATIONS: Mutation[] = [
  {
    rule: "the gateway never overwrites a run id",
    file: at("start"),
    find: "  return deps.executions.start(",
    replace:
      '  await db.execute("update jobs set run_id = ? where id = ?", ["late", jobId]);\n  return deps.executions.start(',
    test: "a start that lands late cannot name an old run",
  },
  {
    rule: "attempt_at fences attempts",
    file: at("attempt"),
    find: "  row.attempt_at === grip.attempt_at;",
    replace: "  true;",
    test: "a timed-out attempt writes nothing",
  },
  {
    rule: "attempt_at stops an old attempt at the door",
    file: at("enter-step"),
    find: "if (row.attempt_at > attempt.attempt_at) return",
    replace: "if (false) return",
    test: "a timed-out attempt writes nothing",
  },
  {
    rule: "only reset runs adopt",
    file: at("enter-step"),
    find: 'if (!attempt.reset) return { kind: "end", status: "superseded" };',
    replace: "",
    test: "only runs made by a reset adopt",
  },
  {
    rule: "a job cancelled before its start does not run",
    file: at("enter-step"),
    find: 'return { kind: "end", status: "cancelled" };',
    replace: 'return { kind: "not_mine", run_id: row.run_id, generation: row.generation };',
    test: "cancelled before its start does not run",
  },
  {
    rule: "the claim demands input.generation",
    file: at("enter-step"),
    find: 'row.status === "queued" && started_for_this',
    replace: 'row.status === "queued"',
    test: "that lands late does not take the row of generation 2",
  },
  {
    rule: "adopt compares and sets (run_id, generation), in the reconciler",
    file: at("reconcile"),
    find: "row !== null && row.run_id === seen.run_id && row.generation === seen.generation;",
    replace: "row !== null;",
    test: "two adoptions of one reset",
  },
  {
    rule: "adopt compares and sets (run_id, generation), in the activity",
    file: at("adopt"),
    find: "if (!row || row.run_id !== seen.run_id || row.generation !== seen.generation)",
    replace: "if (!row)",
    test: "looks again",
  },
  {
    rule: "settle compares and sets (run_id, generation)",
    file: at("reconcile"),
    find: "row !== null && row.run_id === seen.run_id && row.generation === seen.generation;",
    replace: "row !== null;",
    test: "is not settled by a reconciler that looked before",
  },
  {
    rule: "retry keeps run_id",
    file: at("retry"),
    find: 'status: "queued",\n      attempt_at: 0,',
    replace: 'status: "queued",\n      run_id: null,\n      attempt_at: 0,',
    test: "a retry keeps the run id",
  },
  {
    rule: "adopt demands current and open",
    file: at("adopt"),
    find: "|| !current.open",
    replace: "",
    test: "the zombie of a terminated run does not adopt",
  },
  {
    rule: "settle binds run_id to the described run",
    file: at("reconcile"),
    find: "const bound = execution ? { run_id: execution.run_id } : {};",
    replace: "const bound = {};",
    test: "does not reopen the job: settling names that run",
  },
  {
    rule: "cancelling a queued row sends nothing",
    file: at("cancel"),
    find: 'if (row.status === "cancelled") return "cancelled";',
    replace: "",
    test: "of a queued job sends nothing",
  },
  {
    rule: "cancelling a running job sends its run id, and follows no retry",
    file: at("cancel"),
    find: "if (generation !== undefined && row.generation !== generation) return null;",
    replace: "",
    test: "does not hit the retry",
  },
  {
    rule: "a switch happens once per job for life",
    file: at("switch"),
    find: "if (row.switched_at !== null && row.epoch !== null) return row.epoch;",
    replace: "",
    test: "once per job for life",
  },
  {
    rule: "the switch demands the guard",
    file: at("switch"),
    find: "if (holder !== row.id)",
    replace: "if (false)",
    test: "demands the guard",
  },
  {
    rule: "the switch demands the validated revision",
    file: at("switch"),
    find: "if (version.revision !== release.revision)",
    replace: "if (false)",
    test: "demands the revision",
  },
];
