/** A rule taken out of the code once: the named test must fail then. */
export interface Mutation {
  rule: string;
  file: string;
  find: string;
  replace: string;
  /** Part of the names of the tests that must fail. */
  test: string;
  /** Where they are; default: test/jobs/protocol.test.ts. */
  testFile?: string;
}
