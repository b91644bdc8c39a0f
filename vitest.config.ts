import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    setupFiles: "test/support/file-outcome.ts",
    // Native addons and child processes: a process per file. Three on two cores: much of what tests do is to wait for a heartbeat that stays
    // away. With two workers a third of the machine had nothing to do; with four, waits came to their limits.
    pool: "forks",
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
});
