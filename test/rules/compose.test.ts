import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { composeFaults } from "./compose.ts";
import { ROOT } from "./source-files.ts";

const text = readFileSync(join(ROOT, "docker-compose.yml"), "utf8");

test("docker-compose.yml is valid, and what it names exists", () => {
  expect(composeFaults(text)).toEqual([]);
});

const planted: Record<string, { from: string; to: string; says: RegExp }> = {
  "a key that compose does not know": { from: "healthcheck:", to: "health_check:", says: /additional propert/ },
  "a wrong type": { from: "retries: 30", to: "retries: [often]", says: /must be/ },
  "a dependency that does not exist": {
    from: "  postgres: { cond",
    to: "  postgresql: { cond",
    says: /which is no service/,
  },
  "waiting for the end of what does not end": {
    from: "temporal: { condition: service_healthy }",
    to: "temporal: { condition: service_completed_successfully }",
    says: /waits for the end of temporal/,
  },
  "a mount that is not there": { from: "./temporal-config:", to: "./config:", says: /mounts \.\/config/ },
  "a volume that is not declared": { from: "- store:/data", to: "- objects:/data", says: /mounts objects/ },
  "an image without a version": { from: "postgres:18.4", to: "postgres:latest", says: /names no version/ },
  "a command that is not there": { from: "src/dev/migrate.ts", to: "src/migrate.ts", says: /runs src\/migrate\.ts/ },
  "a setting that nothing reads": {
    from: "PLATEN_TEMPORAL_ADDRESS",
    to: "PLATEN_TEMPORAL_HOST",
    says: /which nothing reads/,
  },
  "a setting that is wrong": {
    from: 'PLATEN_GATEWAY_PORT: "8080"',
    to: "PLATEN_GATEWAY_PORT: many",
    says: /GATEWAY_PORT/,
  },
};

test.each(Object.entries(planted))("rejected: %s", (_, { from, to, says }) => {
  expect(text).toContain(from);
  expect(composeFaults(text.replace(from, to)).join("\n")).toMatch(says);
});
