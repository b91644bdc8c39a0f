/** `npm run chaos`: the long forms of tests, minutes each, and the short ones of this folder. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import all from "../../vitest.config.ts";

export default defineConfig({
  ...all,
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: { ...all.test, include: ["test/**/*.long.ts", "test/chaos/*.test.ts"] },
});
