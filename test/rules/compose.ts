/** What is wrong with a compose file: against the specification's schema, and in itself. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import formats from "ajv-formats";
import { parse } from "yaml";
import { readConfig } from "../../src/config.ts";
import { ROOT } from "./source-files.ts";

interface Service {
  image?: string;
  command?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: object;
  restart?: string;
}

interface Compose {
  services: Record<string, Service>;
  volumes?: Record<string, unknown>;
}

/** Of the compose specification, Apache-2.0, at commit 170098b (June 2026). */
const SPECIFICATION = join(ROOT, "test/rules/fixtures/compose-spec.json");

/** Long-running services that have nothing to be asked by. */
const WITHOUT_HEALTH = ["worker", "worker-render", "worker-documents"];

let specification: ReturnType<typeof compile> | undefined;

/** Compiled at the first call: that takes a quarter of a second. */
const compiled = (): ReturnType<typeof compile> => (specification ??= compile());

function compile() {
  // Its $schema is spelt with https, by which Ajv does not know draft-07.
  const { $schema: _, ...schema } = JSON.parse(readFileSync(SPECIFICATION, "utf8")) as Record<string, unknown>;
  return formats.default(new Ajv({ strict: false, allErrors: true })).compile(schema);
}

/** One sentence per fault; those of the schema alone when there are any. */
export function composeFaults(text: string): string[] {
  const document: unknown = parse(text, { merge: true });
  const validate = compiled();
  if (!validate(document)) return (validate.errors ?? []).map((error) => `${error.instancePath}: ${error.message}`);
  const compose = document as Compose;
  return Object.entries(compose.services).flatMap(([name, service]) =>
    [...serviceFaults(name, service, compose)].map((fault) => `${name}: ${fault}`),
  );
}

function* serviceFaults(name: string, service: Service, compose: Compose): Generator<string> {
  const oneShot = service.restart === "no" || service.restart?.startsWith("on-failure") === true;
  if (!/:v?\d+\.\d+/.test(service.image ?? "")) yield `${service.image} names no version`;
  if (!oneShot && !service.healthcheck && !WITHOUT_HEALTH.includes(name)) yield "has no health check";
  for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
    const target = compose.services[other];
    if (!target) yield `depends on ${other}, which is no service`;
    if (condition === "service_healthy" && !target?.healthcheck)
      yield `waits for the health of ${other}, which tells none`;
    if (condition === "service_completed_successfully" && target?.restart === "unless-stopped")
      yield `waits for the end of ${other}, which has none`;
  }
  for (const volume of service.volumes ?? []) {
    const source = volume.split(":")[0] ?? "";
    const exists = source.startsWith("./") ? existsSync(join(ROOT, source)) : source in (compose.volumes ?? {});
    if (!exists) yield `mounts ${source}, which does not exist`;
  }
  const [program, ...args] = service.command ?? [];
  const script = args.find((arg) => !arg.startsWith("--"));
  if (program === "node" && !existsSync(join(ROOT, script ?? ""))) yield `runs ${script}, which does not exist`;
  const environment = service.environment ?? {};
  if (Object.keys(environment).some((key) => key.startsWith("PLATEN_"))) yield* settingFaults(environment);
}

function* settingFaults(environment: Record<string, string>): Generator<string> {
  const env = Object.fromEntries(
    Object.entries(environment).map(([key, value]) => [key, value.replaceAll(/\$\{.*?\}/g, "x")]),
  );
  try {
    const known = readConfig(env);
    for (const key of Object.keys(env)) if (!(key in known)) yield `sets ${key}, which nothing reads`;
  } catch (error) {
    yield String(error);
  }
}
