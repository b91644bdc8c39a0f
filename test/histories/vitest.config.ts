/** `npm run record-histories`: records test/histories anew, on the servers that the tests use. */
import { defineConfig, mergeConfig } from "vitest/config";
import base from "../../vitest.config.ts";

export default mergeConfig(
  { ...base, test: { ...base.test, include: [] } },
  defineConfig({ test: { include: ["test/histories/record.ts"], testTimeout: 120_000 } }),
);
