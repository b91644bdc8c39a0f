/** `npm run record-histories`: records test/histories anew, on the servers that the tests use. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/histories/record.ts"],
    globalSetup: "test/support/global-setup.ts",
    setupFiles: "test/support/file-outcome.ts",
    pool: "forks",
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
