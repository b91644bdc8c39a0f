import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    setupFiles: "test/support/file-outcome.ts",
    // Native addons and child processes: a process per file. Four on two cores: much of what tests do is to wait for a heartbeat that stays
    // away. With two workers a third of the machine had nothing to do, with three a tenth.
    pool: "forks",
    maxWorkers: 4,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
});
