/** `npm run record-histories`: records what test/histories lacks, on the servers that the tests use; with `-- --update` all of it anew. */
import { defineConfig } from "vitest/config";

declare module "vitest" {
  interface ProvidedContext {
    /** Also what is there. */
    anew: boolean;
  }
}

export default defineConfig({
  test: {
    include: ["test/histories/record.ts"],
    globalSetup: "test/support/global-setup.ts",
    setupFiles: "test/support/file-outcome.ts",
    provide: { anew: process.argv.some((each) => each === "--update" || each === "-u") },
    pool: "forks",
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
