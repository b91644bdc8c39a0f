/** `npm run chaos`: this folder's tests that take long; the short ones are in `npm test`. `npm run long`: every long form there is. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.long.ts"],
    globalSetup: "test/support/global-setup.ts",
    setupFiles: "test/support/file-outcome.ts",
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
});
